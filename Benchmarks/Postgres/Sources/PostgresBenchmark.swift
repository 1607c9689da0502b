import Foundation
import Logging
import Postgres
import Protocol

/// How many rows per second become durable, as a ratio to pgbench on the same server in the same run.
///
///     bench-postgres [--seconds 2] [--rounds 5] [--directory /var/tmp/nave-bench]
///
/// Every way of writing gets a slice per round, in shuffled order; between slices a checkpoint and a sync, because a
/// disk that still writes the last slice's pages measures that slice. Medians. The server waits for the disk.
@main
struct PostgresBenchmark {
    var seconds = 2
    var rounds = 5
    var directory = "/var/tmp/nave-bench-\(ProcessInfo.processInfo.processIdentifier)"

    static func main() async throws {
        var benchmark = PostgresBenchmark()
        var arguments = CommandLine.arguments.dropFirst().makeIterator()
        while let argument = arguments.next() {
            switch (argument, arguments.next()) {
            case ("--seconds", let text?): benchmark.seconds = Int(text) ?? benchmark.seconds
            case ("--rounds", let text?): benchmark.rounds = Int(text) ?? benchmark.rounds
            case ("--directory", let text?): benchmark.directory = text
            default:
                print("usage: bench-postgres [--seconds N] [--rounds N] [--directory DIR]")
                exit(64)
            }
        }
        try await benchmark.run()
    }

    private func run() async throws {
        var logger = Logger(label: "bench")
        logger.logLevel = .warning
        let cluster = PrivateCluster(directory: directory, logger: logger)
        let configuration = try await cluster.start()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await measure(configuration, logger)) } catch { outcome = .failure(error) }
        await cluster.stop()
        try? FileManager.default.removeItem(atPath: directory)  // Only tidiness.
        try outcome.get()
    }

    private func measure(_ configuration: DatabaseConfiguration, _ logger: Logger) async throws {
        let database = Database(configuration, logger: logger)
        try await database.execute(Ways.create)
        let ways = Ways(database: database, socket: directory + "/socket", seconds: seconds)
        var results: [String: [Double]] = [:]
        for _ in 0..<rounds {
            for way in Ways.all.shuffled() {
                try await settle(database)
                results[way.name, default: []].append(try await way.run(ways))
            }
        }
        report(results)
        await database.close()
    }

    private func settle(_ database: Database) async throws {
        try await database.execute(Statement<Void>("TRUNCATE events"))
        try await database.execute(Statement<Void>("CHECKPOINT"))
        sync()
        try await Task.sleep(for: .milliseconds(500))
    }

    private func report(_ results: [String: [Double]]) {
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let base = results[Ways.pgbench].map(median) ?? 1
        func row(_ cells: [String]) {
            let padded = cells.enumerated().map { index, cell in
                let room = String(repeating: " ", count: max(0, (index == 0 ? 44 : 12) - cell.count))
                return index == 0 ? cell + room : room + cell
            }
            print(padded.joined())
        }
        row(["way", "rows/s", "min", "max", "x pgbench"])
        for way in Ways.all {
            let values = results[way.name] ?? [0]
            let figures = [median(values), values.min() ?? 0, values.max() ?? 0].map { "\(Int($0))" }
            row([way.name] + figures + [String(format: "%.2f", median(values) / base)])
        }
    }
}
