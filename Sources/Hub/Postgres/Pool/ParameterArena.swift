/// libpq's parallel arrays of values, lengths and formats, laid out in one stretch of the stack.
enum ParameterArena {
    typealias Arrays = (
        values: UnsafePointer<UnsafePointer<CChar>?>?, lengths: UnsafePointer<Int32>?, formats: UnsafePointer<Int32>?
    )

    /// The arrays live only as long as the body runs; libpq copies them.
    static func withArrays<Result>(_ parameters: [Parameter], _ body: (Arrays) -> Result) -> Result {
        guard !parameters.isEmpty else { return body((nil, nil, nil)) }
        let total = parameters.reduce(0) { $0 + size($1) }
        let count = parameters.count
        return withUnsafeTemporaryAllocation(byteCount: total, alignment: 1) { arena in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * 2) { numbers in
                    var offset = 0
                    for (index, parameter) in parameters.enumerated() {
                        let room = UnsafeMutableRawBufferPointer(rebasing: arena[offset...])
                        let isBinary = lay(parameter, into: room)
                        let start = UnsafeRawPointer(room.baseAddress)?.assumingMemoryBound(to: CChar.self)
                        values.initializeElement(at: index, to: parameter.form == .null ? nil : start)
                        numbers.initializeElement(at: index, to: isBinary ? Int32(size(parameter)) - 1 : 0)
                        numbers.initializeElement(at: count + index, to: isBinary ? 1 : 0)
                        offset += size(parameter)
                    }
                    let lengths = numbers.baseAddress.map { UnsafePointer($0) }
                    return body((values.baseAddress.map { UnsafePointer($0) }, lengths, lengths.map { $0 + count }))
                }
            }
        }
    }

    /// One byte more than the value, so that text ends with NUL and an empty value still has an address.
    private static func size(_ parameter: Parameter) -> Int {
        switch parameter.form {
        case .null: 1
        case .text(let text): text.utf8.count + 1
        case .binary(let bytes): bytes.count + 1
        }
    }

    private static func lay(_ parameter: Parameter, into room: UnsafeMutableRawBufferPointer) -> Bool {
        switch parameter.form {
        case .null:
            return false
        case .text(var text):
            text.withUTF8 { room.copyMemory(from: UnsafeRawBufferPointer($0)) }
            room[text.utf8.count] = 0
            return false
        case .binary(let bytes):
            room.copyBytes(from: bytes)
            return true
        }
    }
}
