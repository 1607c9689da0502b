import Foundation
import HubCore
import Protocol

/// What a task's fields may say. Slugs and paths become names of files and branches on other machines.
enum TaskRules {
    static func violations(slug: String?, name: String?, path: String?, body: String?) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        if let slug, let message = complaint(aboutSlug: slug) { found.append(.init(path: "slug", message: message)) }
        if let name { found += Wording.violations(ofName: name, at: "name") }
        if let path, path.utf8.count > Limits.taskPathBytes || !TaskFile.staysBelow(path) || Wording.hasControl(path) {
            found.append(.init(path: "path", message: "must be a relative path without . and .. in it."))
        }
        if let body, body.utf8.count > Limits.taskBodyBytes || body.utf8.contains(0) {
            found.append(
                .init(path: "body", message: "must be \(Limits.taskBodyBytes) bytes at most and without U+0000.")
            )
        }
        return found
    }

    static func violations(
        tags: [String]?,
        assignee: String?,
        summary: String?,
        dependsOn: [String]?,
        metadata: JSONValue?
    ) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        if let tags {
            if tags.count > Limits.taskTags {
                found.append(.init(path: "tags", message: "must be \(Limits.taskTags) at most."))
            }
            for (index, tag) in tags.prefix(Limits.taskTags).enumerated() {
                found += Wording.violations(ofName: tag, at: "tags[\(index)]")
            }
        }
        if let assignee { found += Wording.violations(ofName: assignee, at: "assignee") }
        if let summary, summary.utf8.count > Limits.taskBodyBytes || summary.utf8.contains(0) {
            let message = "must be \(Limits.taskBodyBytes) bytes at most and without U+0000."
            found.append(.init(path: "summary", message: message))
        }
        if let dependsOn, dependsOn.count > Limits.taskDependencies {
            found.append(.init(path: "dependsOn", message: "must be \(Limits.taskDependencies) at most."))
        }
        if let metadata {
            if case .object = metadata {} else { found.append(.init(path: "metadata", message: "must be an object.")) }
        }
        return found
    }

    /// What is wrong with one of many tasks, each field below the task's place.
    static func violations(_ entry: TaskEntry, at place: String) -> [Fault.Violation] {
        let found =
            violations(slug: entry.id, name: entry.name, path: entry.path, body: entry.body)
            + violations(
                tags: entry.tags,
                assignee: entry.assignee,
                summary: nil,
                dependsOn: entry.dependsOn,
                metadata: nil
            )
        return found.map { violation in
            let path = violation.path == "slug" ? "id" : violation.path
            return .init(path: "\(place).\(path)", message: violation.message)
        }
    }

    static func complaint(aboutSlug slug: String) -> String? {
        guard !slug.isEmpty, slug.utf8.count <= Limits.nameBytes else {
            return "must be 1 to \(Limits.nameBytes) bytes."
        }
        let isPlain = slug.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || "._-/".utf8.contains($0)
        }
        guard isPlain, !slug.hasPrefix("-"), TaskFile.staysBelow(slug) else {
            return "must be letters, digits, “.”, “_”, “-” and “/”, and not begin with a dash."
        }
        return nil
    }

    /// A slug made from a name; `nil` if nothing of the name is left.
    static func slug(from name: String) -> String? {
        let ascii = String(name.unicodeScalars.map { $0.isASCII ? Character($0) : "-" })
        let slug = BranchName.suggested(for: ascii).map { String($0.dropFirst(3)) }
        return slug.flatMap { complaint(aboutSlug: $0) == nil ? $0 : nil }
    }
}
