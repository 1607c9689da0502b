import Foundation
import Protocol

/// A small program whose every byte can be foretold, so that a lost, doubled or reordered one is seen.
struct CountingWork {
    /// Lines on stdout; every tenth is told on stderr as well.
    var lines: Int
    /// Exits with this.
    var exitCode: Int

    /// What the repository under test holds: each run leaves a mark outside its worktree, so that a second one is seen.
    static let files = [
        "count": """
        # sh count LINES EXIT MARKS [GATE]: counts once the gate is there.
        echo "$NAVE_SESSION_ID $$" >> "$3"
        [ -z "$4" ] || until [ -e "$4" ]; do sleep 0.05; done
        exec awk -v n="$1" -v code="$2" 'BEGIN {
          sum = 7
          for (i = 1; i <= n; i++) {
            sum = (sum * 31 + i) % 1000003
            printf "%08d %07d the quick brown fox jumps over the lazy dog\\n", i, sum
            if (i % 10 == 0) printf "%d\\n", sum > "/dev/stderr"
            if (i % 20 == 0) { fflush(); fflush("/dev/stderr"); system("sleep 0.02") }
          }
          exit code
        }'

        """
    ]

    /// The command that runs it.
    func command(marks: URL, gate: URL? = nil) -> [String] {
        ["sh", "count", "\(lines)", "\(exitCode)", marks.path] + (gate.map { [$0.path] } ?? [])
    }

    /// The bytes that it writes.
    var output: (stdout: Data, stderr: Data) {
        var (stdout, stderr) = ("", "")
        var sum = 7
        for line in 1...lines {
            sum = (sum * 31 + line) % 1_000_003
            stdout += Self.padded(line, to: 8) + " " + Self.padded(sum, to: 7)
            stdout += " the quick brown fox jumps over the lazy dog\n"
            if line % 10 == 0 { stderr += "\(sum)\n" }
        }
        return (Data(stdout.utf8), Data(stderr.utf8))
    }

    private static func padded(_ number: Int, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Who ran, and as which process, by the marks that counting work leaves.
struct RunMarks {
    let file: URL

    /// The processes of each session that ever began; more than one is a session that ran twice.
    var pids: [String: [Int32]] {
        // Nobody ran yet.
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        var pids: [String: [Int32]] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let pid = Int32(words[1]) { pids[String(words[0]), default: []].append(pid) }
        }
        return pids
    }
}
