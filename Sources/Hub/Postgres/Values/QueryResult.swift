import CPostgres
import Protocol

/// What the server answered to one statement; frees libpq's memory with its last reader.
///
/// Sendable because a `PGresult` is never changed after libpq handed it out, so any number of threads may read it
/// (libpq, “Behavior in Threaded Programs”), and this class frees it only when nobody can read it any more.
final class QueryResult: @unchecked Sendable {
    let pointer: OpaquePointer
    let rowCount: Int32
    let columnCount: Int32

    init(taking pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = PQntuples(pointer)
        columnCount = PQnfields(pointer)
    }

    deinit { PQclear(pointer) }

    /// Rows inserted, changed, deleted or selected.
    var affected: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// What the command was, such as `COMMIT` or `INSERT 0 1`.
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    /// Of a described statement: the types of its parameters and columns.
    var parameterTypes: [UInt32] { (0..<PQnparams(pointer)).map { PQparamtype(pointer, $0) } }
    var columnTypes: [UInt32] { (0..<columnCount).map { PQftype(pointer, $0) } }
    var columnNames: [String] { (0..<columnCount).map(columnName) }

    func columnName(_ column: Int32) -> String { PQfname(pointer, column).map { String(cString: $0) } ?? "" }

    /// The first column of this name; linear, because rows are narrow and `strcmp` is quicker than a hash.
    func column(named name: String) -> Int32? {
        name.withCString { wanted in
            (0..<columnCount).first { column in
                guard let found = PQfname(pointer, column) else { return false }
                return equal(found, wanted)
            }
        }
    }

    func cell(row: Int32, column: Int32) -> Cell {
        let type = PQftype(pointer, column)
        guard PQgetisnull(pointer, row, column) == 0, let start = PQgetvalue(pointer, row, column) else {
            return Cell(owner: self, column: column, type: type, bytes: nil)
        }
        let length = Int(PQgetlength(pointer, row, column))
        return Cell(owner: self, column: column, type: type, bytes: .init(start: start, count: length))
    }

    /// Every row as a value.
    func rows<Answer: RowDecodable>(_ type: Answer.Type) throws(Fault) -> [Answer] {
        var answers: [Answer] = []
        answers.reserveCapacity(Int(rowCount))
        for index in 0..<rowCount { answers.append(try Answer(Row(result: self, index: index))) }
        return answers
    }

    /// The first row as a value.
    func firstRow<Answer: RowDecodable>(_ type: Answer.Type) throws(Fault) -> Answer? {
        guard rowCount > 0 else { return nil }
        return try Answer(Row(result: self, index: 0))
    }

    private func equal(_ first: UnsafePointer<CChar>, _ second: UnsafePointer<CChar>) -> Bool {
        var index = 0
        while first[index] == second[index] {
            if first[index] == 0 { return true }
            index += 1
        }
        return false
    }
}
