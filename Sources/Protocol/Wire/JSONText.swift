extension JSONValue {
    /// Reads strict JSON: UTF-8, at most `depth` levels, no key twice, numbers that a double or Int64 holds,
    /// nothing behind the value. A `VALIDATION_ERROR` that says where it stops being so otherwise.
    public init(parsing bytes: [UInt8], depth: Int = Limits.jsonDepth) throws(Fault) {
        var scanner = JSONScanner(bytes, depthMax: depth)
        do throws(JSONProblem) {
            self = try scanner.value()
            try scanner.end()
        } catch {
            throw error.fault
        }
    }

    /// The value as compact JSON, keys in order. Numbers that JSON cannot say become `null`.
    public func serialized() -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }
}
