/// Which release of the product this is: the same for hub and spoke, told in hello, `--version` and the catalogue.
public enum Release {
    /// Semantic versioning; CHANGELOG.md says what each release brought.
    public static let version = "0.1.0"
}
