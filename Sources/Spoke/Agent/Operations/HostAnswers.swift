import Protocol

/// What this spoke answers about its machine.
struct HostAnswers: Sendable {
    let name: String
    let dataDirectory: String
    let sessionsRunning: @Sendable () async -> Int

    func register(in table: inout SpokeOperations) {
        table.answer(ReadHostInfo.self) { _, _ in
            ReadHostInfo.Output(spoke: name, host: await Host.info(dataDirectory: dataDirectory))
        }
        table.answer(ReadHostLoad.self) { _, call in
            ReadHostLoad.Output(
                spoke: name,
                load: Host.load(dataDirectory: dataDirectory),
                sessions: await sessionsRunning(),
                calls: call.callsUnderWay
            )
        }
    }
}
