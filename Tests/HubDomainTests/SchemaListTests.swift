import Foundation
import Postgres
import Protocol
import Testing

/// The migrated database has the tables of the plan, each with the columns, keys and indexes that it lists.
struct SchemaListTests {
    /// What the catalogue knows of one table.
    private static let catalogue = Statement<String>(
        """
        SELECT json_build_object(
            'name', t.relname,
            'columns', (
                SELECT coalesce(json_agg(json_build_array(
                           a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
                           coalesce(pg_get_expr(d.adbin, d.adrelid), ''))), '[]')
                  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped),
            'keys', (
                SELECT coalesce(json_agg(json_build_array(c.conname, a.attname, f.relname,
                           CASE c.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'r' THEN 'restrict'
                                ELSE 'otherwise' END)), '[]')
                  FROM pg_constraint c
                  JOIN pg_class f ON f.oid = c.confrelid
                  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
                 WHERE c.conrelid = t.oid AND c.contype = 'f'),
            'indexes', (
                SELECT coalesce(json_agg(json_build_array(pg_get_indexdef(i.indexrelid), i.indisprimary)), '[]')
                  FROM pg_index i WHERE i.indrelid = t.oid)
            )::text
          FROM pg_class t
         WHERE t.relnamespace = 'nave'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
         ORDER BY t.relname
        """
    )

    private struct Found {
        var table: SchemaList.Table
        /// Names of foreign keys that are not `fk_` with table and column.
        var misnamed: [String] = []
    }

    private static func found(_ hub: TestHub) async throws -> [String: Found] {
        var all: [String: Found] = [:]
        for text in try await hub.database.query(catalogue) {
            let entry = try JSONValue(parsing: Array(text.utf8))
            let name = entry["name"]?.stringValue ?? ""
            var found = Found(table: SchemaList.Table(name: name, key: ""))
            for cells in cells(entry["columns"]) {
                let line = SchemaList.column(cells[0], cells[1], isNull: cells[2] == "true", cells[3])
                found.table.columns.insert(line)
            }
            for cells in cells(entry["keys"]) {
                found.table.foreignKeys.insert("\(cells[1]) \(cells[2]) \(cells[3])")
                if cells[0] != "fk_\(name)_\(cells[1])" { found.misnamed.append(cells[0]) }
            }
            for cells in cells(entry["indexes"]) {
                guard let match = cells[0].wholeMatch(of: /CREATE (UNIQUE )?INDEX (\w+) ON \S+ USING (\w+) ([\s\S]*)/)
                else {
                    Issue.record("\(cells[0]) is not read")
                    continue
                }
                if cells[1] == "true" {
                    found.table.key = SchemaList.squeezed(match.4)
                } else {
                    let kind = (match.1 == nil ? "" : "unique ") + (match.3 == "btree" ? "" : "\(match.3) ")
                    found.table.indexes.insert(SchemaList.index("\(match.2) \(kind)\(match.4)"))
                }
            }
            all[name] = found
        }
        return all
    }

    private static func cells(_ value: JSONValue?) -> [[String]] {
        (value?.arrayValue ?? []).map { row in
            (row.arrayValue ?? []).map { cell in
                if case .bool(let flag) = cell { "\(flag)" } else { cell.stringValue ?? "" }
            }
        }
    }

    /// What one side has and the other does not.
    private static func differences(_ listed: Set<String>, _ found: Set<String>) -> [String] {
        listed.subtracting(found).sorted().map { "− \($0)" } + found.subtracting(listed).sorted().map { "+ \($0)" }
    }

    @Test func everyTableIsAsThePlanListsIt() async throws {
        let hub = try await TestHub.make()
        let found = try await Self.found(hub)
        for listed in SchemaList.tables {
            guard let there = found[listed.name] else {
                Issue.record("there is no table \(listed.name)")
                continue
            }
            let table = there.table
            #expect(Self.differences(listed.columns, table.columns) == [], "columns of \(listed.name)")
            #expect(Self.differences(listed.foreignKeys, table.foreignKeys) == [], "keys of \(listed.name)")
            #expect(Self.differences(listed.indexes, table.indexes) == [], "indexes of \(listed.name)")
            #expect(listed.key == table.key, "primary key of \(listed.name)")
            #expect(there.misnamed == [], "keys of \(listed.name)")
        }
        await hub.close()
    }

    /// Deleting a parent asks for its children; without an index that reads the whole table of them.
    @Test func everyForeignKeyLeadsAnIndex() async throws {
        let hub = try await TestHub.make()
        let bare = try await hub.database.query(
            Statement<String>(
                """
                SELECT c.conname::text FROM pg_constraint c
                 WHERE c.contype = 'f' AND c.connamespace = 'nave'::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_index i
                                    WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
                """
            )
        )
        // The hub deletes rows of hubs alone, and those spokes are found by the partial index on connected ones.
        #expect(bare == [])
        await hub.close()
    }

    @Test func everyTableThatIsNotListedHereIsKnown() async throws {
        let hub = try await TestHub.make()
        let listed = Set(SchemaList.tables.map(\.name))
        // Theirs are other parts of the plan.
        let others: Set = ["alerts", "schema_migrations"]
        #expect(Set(try await Self.found(hub).keys).subtracting(listed).subtracting(others) == [])
        #expect(listed.count == 29)
        await hub.close()
    }
}
