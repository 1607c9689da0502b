extension JSONValue {
    /// Reads strict JSON: UTF-8, at most `depth` levels, no key twice, numbers that a double or Int64 holds,
    /// nothing behind the value. A `VALIDATION_ERROR` that says where it stops being so otherwise.
    public init(parsing bytes: [UInt8], depth: Int = Limits.jsonDepth) throws(Fault) {
        throw Fault(.validation, "")
    }

    /// The value as compact JSON, keys in order.
    public func serialized() -> [UInt8] { [] }
}
