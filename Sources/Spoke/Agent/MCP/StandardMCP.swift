import Dispatch
import Foundation
public import Protocol
import Synchronization
import Transport

/// An MCP server on standard input and output: one JSON-RPC message a line (MCP, basic/transports, stdio). It lives as
/// long as its input is open.
public struct StandardMCP<Provider: MCPProvider>: Sendable {
    private let exchange: MCPExchange<Provider>
    private let input: DescriptorLines
    private let output: DescriptorWriter

    /// - Parameters:
    ///   - input: An open descriptor to read from; nobody else reads it.
    ///   - output: An open descriptor to write to; nobody else writes there.
    public init(_ provider: Provider, input: Int32 = 0, output: Int32 = 1) {
        exchange = MCPExchange(provider)
        self.input = DescriptorLines(input)
        self.output = DescriptorWriter(output)
    }

    /// Serves until the client closes the input; what is under way then is called off.
    public func serve() async {
        let talk = Talk(exchange: exchange, output: output)
        await withDiscardingTaskGroup { group in
            while let line = await input.next() {
                switch line {
                case .tooLong:
                    await talk.say(RPCFailure(RPCFailure.parseError, "The line is too long.").answer)
                case .whole(let bytes):
                    let steps = await talk.hear(bytes)
                    guard !steps.isEmpty else { continue }
                    group.addTask { await talk.work(off: steps) }
                }
            }
            talk.aborts.close()
        }
    }

    /// The one session that there is.
    private final class Talk: Sendable {
        let aborts = AbortBook<RPCID>()
        private let conversation = Mutex(MCPConversation())
        private let exchange: MCPExchange<Provider>
        private let output: DescriptorWriter

        init(exchange: MCPExchange<Provider>, output: DescriptorWriter) {
            self.exchange = exchange
            self.output = output
        }

        func say(_ message: JSONValue) async { await output.write(message.serialized() + [UInt8(ascii: "\n")]) }

        /// Answers what can be answered at once, and answers with what takes work: one request, or a list of steps
        /// whose answers belong together.
        func hear(_ line: [UInt8]) async -> Steps {
            do throws(RPCFailure) {
                let version = conversation.withLock { $0.version }
                switch try MCPIntake(parsing: line, version: version) {
                case .one(let message):
                    switch take(message) {
                    case .answer(let answer): await say(answer)
                    case .work(let work): return Steps(steps: [.work(work)], isBatch: false)
                    case .abort, .nothing: break
                    }
                    return Steps(steps: [], isBatch: false)
                case .batch(let messages):
                    return Steps(steps: messages.map(take), isBatch: true)
                }
            } catch {
                await say(error.answer)
                return Steps(steps: [], isBatch: false)
            }
        }

        struct Steps: Sendable {
            let steps: [MCPConversation.Step]
            let isBatch: Bool
            var isEmpty: Bool { steps.isEmpty }
        }

        func work(off steps: Steps) async {
            var answers: [JSONValue] = []
            for step in steps.steps {
                switch step {
                case .answer(let answer): answers.append(answer)
                case .work(let work):
                    // What was called off is answered by nobody (MCP, basic/utilities/cancellation).
                    if let answer = await answer(to: work) { answers.append(answer) }
                case .abort, .nothing: continue
                }
            }
            guard !answers.isEmpty else { return }
            await say(steps.isBatch ? .array(answers) : answers[0])
        }

        private func take(_ message: RPCMessage) -> MCPConversation.Step {
            let step = conversation.withLock { $0.take(message) }
            if case .abort(let id) = step { aborts.abort(id) }
            return step
        }

        private func answer(to work: MCPWork) async -> JSONValue? {
            let (exchange, output) = (exchange, output)
            let answer = await aborts.run(work.id) {
                await exchange.run(work) { await output.write($0.serialized() + [UInt8(ascii: "\n")]) }
            }
            conversation.withLock { $0.ended(work.id) }
            return answer
        }
    }
}
