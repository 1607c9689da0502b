import Foundation
import Protocol

/// Times as people read them.
enum SignText {
    /// ISO-8601.
    static func time(_ milliseconds: Int64) -> String { Date(milliseconds: milliseconds).wireText }

    /// Never negative: clocks differ.
    static func seconds(from: Int64, to: Int64) -> Double { Double(max(0, to - from)) / 1_000 }

    /// `45 s`, `12 min`, `3 h`, `2 d`.
    static func span(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds)) s"
        case ..<7_200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3_600)) h"
        default: "\(Int(seconds / 86_400)) d"
        }
    }
}
