import Crypto
import Foundation
public import Protocol

/// Encrypts what must be kept secret at rest: AES-256-GCM with a fresh nonce each, bound to the client and key that it
/// is for, so that a sealed value is of no use in another place.
///
/// Keys have versions. The first of the file encrypts, all of them decrypt; `secret.rotate` seals anew what older ones
/// sealed.
public struct SecretSeal: Sendable {
    private struct MasterKey: Sendable {
        let version: String
        let key: SymmetricKey
    }

    private let keys: [MasterKey]

    /// Reads a file of keys: a line each, `v2:` and 32 bytes in base64, the newest first.
    ///
    /// - Throws: `VALIDATION_ERROR` that names the line, never what is in it.
    public init(_ text: String) throws(Fault) {
        var keys: [MasterKey] = []
        for (index, line) in text.split(whereSeparator: \.isNewline).enumerated() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].wholeMatch(of: /v[1-9][0-9]{0,5}/) != nil,
                let bytes = Data(base64Encoded: String(parts[1])), bytes.count == 32,
                !keys.contains(where: { $0.version == parts[0] })
            else {
                throw Fault(
                    .validation,
                    "Line \(index + 1) of the file of secret keys must be vN: and 32 bytes in base64, each N once."
                )
            }
            keys.append(MasterKey(version: String(parts[0]), key: SymmetricKey(data: bytes)))
        }
        self.keys = keys
    }

    /// No keys: nothing can be sealed or opened.
    public static var none: SecretSeal { SecretSeal() }

    private init() { keys = [] }

    /// A line for the file, with a fresh key.
    public static func line(version: Int) -> String {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        return "v\(version):\(bytes.base64EncodedString())"
    }

    /// The version that seals from now on; `nil` without keys.
    public var version: String? { keys.first?.version }

    /// What tells two keys of one version apart without telling the key: the start of a digest of it.
    func fingerprint(of version: String) -> String? {
        keys.first { $0.version == version }.map { master in
            let digest = master.key.withUnsafeBytes { SHA256.hash(data: Data("nave secret key".utf8) + Data($0)) }
            return String(InputDigest.hexadecimal(digest).prefix(16))
        }
    }

    /// Encrypts a secret for this client and key.
    func seal(_ plain: String, client: ClientID, key: String) throws(Fault) -> SealedSecret {
        guard let master = keys.first else { throw Self.noKeys }
        do {
            let box = try AES.GCM.seal(
                Data(plain.utf8),
                using: master.key,
                nonce: AES.GCM.Nonce(),
                authenticating: Self.place(client, key)
            )
            return SealedSecret(
                keyVersion: master.version,
                nonce: Data(box.nonce).base64EncodedString(),
                data: (box.ciphertext + box.tag).base64EncodedString()
            )
        } catch {
            throw Fault(.execution, "The secret could not be sealed; ask again.")
        }
    }

    /// Decrypts what was sealed for this client and key.
    ///
    /// - Throws: `UNAVAILABLE` if the hub lacks the key's version, `EXECUTION_ERROR` if what is stored was changed.
    func open(_ sealed: SealedSecret, client: ClientID, key: String) throws(Fault) -> String {
        guard let master = keys.first(where: { $0.version == sealed.keyVersion }) else {
            throw Fault(.unavailable, "A secret is sealed with \(sealed.keyVersion), which this hub's key file lacks.")
        }
        let damaged = Fault(.execution, "The secret “\(key)” cannot be opened; it was changed in the database.")
        guard let nonce = Data(base64Encoded: sealed.nonce), let data = Data(base64Encoded: sealed.data),
            data.count >= 16
        else { throw damaged }
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce),
                ciphertext: data.dropLast(16),
                tag: data.suffix(16)
            )
            let plain = try AES.GCM.open(box, using: master.key, authenticating: Self.place(client, key))
            return String(decoding: plain, as: UTF8.self)
        } catch {
            throw damaged
        }
    }

    static var noKeys: Fault {
        Fault(.unavailable, "This hub has no file of secret keys; it cannot keep secrets.")
    }

    /// The associated data. The length keeps `a` + `bc` and `ab` + `c` apart.
    private static func place(_ client: ClientID, _ key: String) -> Data {
        Data("\(client.rawValue.utf8.count):\(client.rawValue)\(key)".utf8)
    }
}

/// A secret as it is stored.
struct SealedSecret: Codable, Hashable, Sendable {
    var keyVersion: String
    /// 12 bytes in base64.
    var nonce: String
    /// What is encrypted and its tag of 16 bytes, in base64.
    var data: String
}
