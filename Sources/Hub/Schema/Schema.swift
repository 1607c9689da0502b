enum Schema { static let x = PackageResources.m0001_identity_sql }
