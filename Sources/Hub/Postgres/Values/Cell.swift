import Foundation
import Protocol

/// One column of one row as the server sent it: what ``ColumnDecodable`` types are made from.
public struct Cell {
    /// Keeps the bytes alive.
    let owner: QueryResult
    let column: Int32
    let type: UInt32
    /// `nil` for NULL.
    let bytes: UnsafeRawBufferPointer?

    /// The bytes of a column that must have exactly this type, and this length where it is fixed.
    func binary(_ wanted: UInt32, count: Int? = nil) throws(Fault) -> UnsafeRawBufferPointer {
        guard type == wanted else { throw mismatch("type \(wanted)") }
        let bytes = try present()
        if let count, bytes.count != count { throw mismatch("\(count) bytes") }
        return bytes
    }

    func integer() throws(Fault) -> Int64 {
        let bytes = try present()
        switch (type, bytes.count) {
        case (TypeOID.int8, 8): return bytes.bigEndian(Int64.self)
        case (TypeOID.int4, 4): return Int64(bytes.bigEndian(Int32.self))
        case (TypeOID.int2, 2): return Int64(bytes.bigEndian(Int16.self))
        case (TypeOID.oid, 4): return Int64(bytes.bigEndian(UInt32.self))
        default: throw mismatch("a whole number")
        }
    }

    func text() throws(Fault) -> String {
        let bytes = try present()
        switch type {
        case TypeOID.uuid where bytes.count == 16:
            return UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)).uuidString.lowercased()
        case TypeOID.jsonb, TypeOID.json:
            return String(decoding: try jsonBytes(), as: UTF8.self)
        case _ where TypeOID.textual.contains(type) || type >= TypeOID.firstOfUser:
            return String(decoding: bytes, as: UTF8.self)
        default: throw mismatch("text")
        }
    }

    /// The JSON text; jsonb puts a version byte in front of it.
    func jsonBytes() throws(Fault) -> Slice<UnsafeRawBufferPointer> {
        let bytes = try present()
        switch type {
        case TypeOID.jsonb where bytes.first == 1: return bytes.dropFirst()
        case TypeOID.json: return bytes[...]
        default: throw mismatch("json")
        }
    }

    /// The elements of a one-dimensional array.
    func elements() throws(Fault) -> [Cell] {
        let bytes = try present()
        guard bytes.count >= 12 else { throw mismatch("an array") }
        let dimensions = bytes.bigEndian(Int32.self)
        let elementType = bytes.bigEndian(UInt32.self, at: 8)
        if dimensions == 0, bytes.count == 12 { return [] }
        guard dimensions == 1, bytes.count >= 20 else { throw mismatch("an array of one dimension") }
        let count = Int(bytes.bigEndian(Int32.self, at: 12))
        // Each element takes four bytes at least: a count beyond that is not an array's.
        guard count >= 0, count <= (bytes.count - 20) / 4 else { throw mismatch("an array") }
        var cells: [Cell] = []
        cells.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            guard bytes.count - offset >= 4 else { throw mismatch("an array") }
            let length = Int(bytes.bigEndian(Int32.self, at: offset))
            offset += 4
            var element: UnsafeRawBufferPointer?
            if length >= 0 {
                guard bytes.count - offset >= length else { throw mismatch("an array") }
                element = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
                offset += length
            }
            cells.append(Cell(owner: owner, column: column, type: elementType, bytes: element))
        }
        return cells
    }

    /// The column does not hold what the program expects.
    func mismatch(_ wanted: String) -> Fault {
        let name = owner.columnName(column)
        return Fault(
            .execution,
            "Column “\(name)” has type \(type) where \(wanted) is expected; correct the statement or its row."
        )
    }

    private func present() throws(Fault) -> UnsafeRawBufferPointer {
        guard let bytes else {
            throw Fault(
                .execution,
                "Column “\(owner.columnName(column))” is NULL; read it as an optional or exclude NULL."
            )
        }
        return bytes
    }
}
