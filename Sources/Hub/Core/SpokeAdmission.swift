public import Protocol

/// Whether a spoke that says hello is the one that the hub knows, and where its streams go on.
///
/// Two things tell a spoke from its copy. Its incarnation, drawn anew at each start: a never-seen one takes over, and
/// one that was taken over never returns. And its journal: it must reach at least as far as the hub has applied it.
public enum SpokeAdmission {
    /// What the hub remembers of a spoke.
    public struct Known: Hashable, Sendable {
        public var incarnation: String?
        public var formerIncarnations: [String]
        public var journal: StreamMark

        public init(incarnation: String?, formerIncarnations: [String], journal: StreamMark) {
            self.incarnation = incarnation
            self.formerIncarnations = formerIncarnations
            self.journal = journal
        }
    }

    public enum Decision: Hashable, Sendable {
        /// The journal goes on behind this mark; `lost` says what of an earlier journal can no longer come.
        case admit(journal: StreamMark, lost: String?)
        case refuse(LinkRefused)
    }

    /// The protocol versions that this hub speaks.
    public static let versions = [1]
    /// Incarnations that are remembered after they were taken over; a spoke that restarts this often is past caring.
    public static let formerIncarnationsMax = 64

    public static func decide(_ hello: LinkHello, known: Known) -> Decision {
        guard hello.versions.contains(where: versions.contains) else {
            return refuse(.version, "This hub speaks version 1 of the protocol; upgrade whichever side is older.")
        }
        guard !hello.incarnation.isEmpty, hello.journal.next >= 1, hello.journal.first >= 1,
            hello.journal.first <= hello.journal.next, hello.journal.epoch >= 0, hello.commands.seq >= 0,
            hello.slots >= 0
        else { return refuse(.invalid, "The hello contradicts itself; upgrade the spoke.") }
        guard !known.formerIncarnations.contains(hello.incarnation) else {
            return refuse(.replaced, "A newer start of this spoke took over; stop one of the two.")
        }
        return continuation(of: known.journal, in: hello.journal)
    }

    /// Who is remembered as taken over when `incarnation` takes its place.
    public static func formerIncarnations(_ known: Known, after incarnation: String) -> [String] {
        guard let previous = known.incarnation, previous != incarnation else { return known.formerIncarnations }
        return Array((known.formerIncarnations + [previous]).suffix(formerIncarnationsMax))
    }

    private static func continuation(of mark: StreamMark, in journal: JournalSummary) -> Decision {
        if journal.epoch < mark.epoch {
            return diverged("is of epoch \(journal.epoch), the hub has applied epoch \(mark.epoch)")
        }
        if journal.epoch > mark.epoch {
            guard journal.first == 1 else {
                return diverged("of epoch \(journal.epoch) begins at \(journal.first), and the hub has none of it")
            }
            let isFirst = mark.epoch == 0 && mark.seq == 0
            let lost =
                "Its journal of epoch \(mark.epoch) ended; what followed record \(mark.seq) there cannot come any more."
            return .admit(journal: .start(of: journal.epoch), lost: isFirst ? nil : lost)
        }
        let head = journal.next - 1
        if mark.seq > head { return diverged("ends at record \(head), the hub has applied \(mark.seq)") }
        if mark.seq == head, mark.hash != journal.headHash {
            return diverged("has another record \(head) than the hub has applied")
        }
        if mark.seq + 1 < journal.first {
            return diverged("begins at record \(journal.first), the hub has applied only \(mark.seq)")
        }
        return .admit(journal: mark, lost: nil)
    }

    private static func diverged(_ what: String) -> Decision {
        refuse(
            .diverged,
            "The journal \(what): the data directory is a copy or was restored. Join it anew as a spoke of its own."
        )
    }

    private static func refuse(_ code: LinkRefused.Code, _ message: String) -> Decision {
        .refuse(LinkRefused(code: code, message: message, retryAfterMilliseconds: nil))
    }
}
