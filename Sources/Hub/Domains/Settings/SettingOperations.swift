import HubCore
import Protocol

/// Settings, as callers may ask for them.
struct SettingOperations: Sendable {
    let settings: SettingStore

    func register(in table: inout OperationTable) {
        table.answer(GetSettings.self, with: get)
        table.answer(SetSetting.self, with: set)
    }

    private func get(_ request: GetSettings, by caller: Caller) async throws(Fault) -> SettingList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let found = try await settings.list(key: request.key, after: cursor?[0], limit: limit + 1)
        let page = found.prefix(limit)
        return SettingList(
            settings: SettingStore.byKey(page),
            nextCursor: found.count > limit ? page.last.map { PageCursor.text([$0.key]) } : nil
        )
    }

    private func set(_ request: SetSetting, by caller: Caller) async throws(Fault) -> SettingList {
        guard Wording.isIdentifier(request.key, bytes: 100) else {
            throw .invalid("key", "must be a name such as retention.outputDays.")
        }
        guard WireCoder.bytes(of: request.value).count <= Limits.settingBytes else {
            throw Fault(.tooLarge, "A setting is \(Limits.settingBytes) bytes of JSON at most; store less.")
        }
        if let known = RateSetting(rawValue: request.key), request.value != .null,
            let complaint = known.complaint(about: request.value)
        {
            throw .invalid("value", complaint)
        }
        if request.key == DetectionThresholds.key, request.value != .null,
            let complaint = DetectionThresholds.complaint(about: request.value)
        {
            throw .invalid("value", complaint)
        }
        if request.key == CallRecorder.setting, request.value != .null,
            let complaint = RecordingLevels.complaint(about: request.value)
        {
            throw .invalid("value", complaint)
        }
        if let retention = RetentionSetting.allCases.first(where: { $0.key == request.key }),
            request.value != .null, request.value != .integer(Int64(retention.days(request.value)))
        {
            throw .invalid("value", "must be a whole number of days, 1 to \(RetentionSetting.longest).")
        }
        try await settings.set(request.key, to: request.value)
        return SettingList(settings: try await settings.values(of: [request.key]))
    }
}
