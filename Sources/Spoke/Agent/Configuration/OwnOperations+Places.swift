import Foundation
public import Protocol
import WebTransport

extension OwnOperations {
    /// Looks for the files and folders of this machine that the owner names: what is not there is a mistake now, not
    /// when somebody calls.
    ///
    /// - Throws: `VALIDATION_ERROR` with the place of the first that is missing, or is not what it must be.
    public func checkPlaces() throws(Fault) {
        for (name, command) in commands.sorted(by: { $0.key < $1.key }) {
            guard let directory = command.directory, directory != CommandOperation.worktree else { continue }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: directory, isDirectory: &isFolder), isFolder.boolValue else {
                throw Fault.invalid("operations.\(name).directory", "must be a folder; \(directory) is none.")
            }
        }
        for (name, service) in services.sorted(by: { $0.key < $1.key }) {
            guard let file = service.file else { continue }
            let field = "openapi.\(name)"
            do throws(Fault) {
                let document = try WebDocument(try WebDocument.value(parsing: try PrivateFile.read(file), of: name))
                _ = try document.base(
                    server: service.server,
                    home: nil,
                    carriesSecrets: service.headerFiles != nil,
                    field: "\(field).server"
                )
            } catch {
                throw error.details?.arrayValue == nil
                    ? Fault.invalid("\(field).file", "(\(file)): \(error.message)") : error
            }
        }
    }
}
