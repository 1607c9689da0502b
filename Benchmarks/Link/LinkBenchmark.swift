/// What a link costs: its codec against Foundation's, then typed messages over a real WebSocket.
@main
struct LinkBenchmark {
    static func main() async throws {
        try CodecBenchmark.run()
        try await EchoBenchmark.run(connections: 100, depth: 1)
        try await EchoBenchmark.run(connections: 100, depth: 8)
    }
}
