import Foundation
import Postgres
import Protocol
import TestSupport

/// `docs/schema.md`, from the catalogue of a migrated database.
enum SchemaPages {
    static func page(_ database: Database) async throws -> String {
        var page = head
        for table in try await database.query(SQL.tables) {
            let entry = try JSONValue(parsing: Array(table.utf8))
            guard let name = entry["name"]?.stringValue else { continue }
            page += "\n## \(name)\n\n"
            page += WrittenPage.table(
                ["column", "type", "null", "default"],
                rows(entry["columns"]).map { ["`\($0[0])`", $0[1], $0[2], $0[3].isEmpty ? "" : "`\($0[3])`"] }
            )
            let rules =
                rows(entry["rules"]).map { "* `\($0[0])` `\($0[1])`" } + rows(entry["indexes"]).map { "* `\($0[0])`" }
                + rows(entry["policies"]).map { "* policy `\($0[0])` `\($0[1])`" }
            if !rules.isEmpty { page += "\n" + rules.joined(separator: "\n") + "\n" }
        }
        return page
    }

    private static let head = """
        # The hub's schema

        <!-- Written by `make docs` from a migrated database; a test keeps it true. Do not edit. -->

        Every table in the schema `nave`, as the migrations in `Sources/Hub/Schema/SQL` leave it. Why a table is as it
        is stands there, above it. The schema carries the rules: states, and what belongs together, are CHECKs. What is
        read for callers is read through the policies; the hub's own work is bound by none.

        """

    private static func rows(_ value: JSONValue?) -> [[String]] {
        (value?.arrayValue ?? []).map { ($0.arrayValue ?? []).map { $0.stringValue ?? "" } }
    }

    private enum SQL {
        /// One JSON text for each table: what belongs to it in the order in which people want it.
        static let tables = Statement<String>(
            """
            SELECT json_build_object(
                'name', t.relname,
                'columns', (
                    SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod),
                               CASE WHEN a.attnotnull THEN 'no' ELSE 'yes' END,
                               coalesce(pg_get_expr(d.adbin, d.adrelid), '')) ORDER BY a.attnum)
                      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                     WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped),
                'rules', (
                    SELECT json_agg(json_build_array(c.conname, pg_get_constraintdef(c.oid, true))
                               ORDER BY strpos('pufcx', c.contype::text), c.conname)
                      FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype <> 'n'),
                'indexes', (
                    SELECT json_agg(json_build_array(pg_get_indexdef(i.indexrelid))
                               ORDER BY i.indexrelid::regclass::text)
                      FROM pg_index i
                     WHERE i.indrelid = t.oid
                       AND NOT EXISTS (SELECT FROM pg_constraint c
                                        WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))),
                'policies', (
                    SELECT json_agg(json_build_array(p.polname,
                               regexp_replace(pg_get_expr(p.polqual, p.polrelid, true), '[[:space:]]+', ' ', 'g'))
                               ORDER BY p.polname)
                      FROM pg_policy p WHERE p.polrelid = t.oid)
                )::text
              FROM pg_class t
             WHERE t.relnamespace = 'nave'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
             ORDER BY t.relname
            """
        )
    }
}
