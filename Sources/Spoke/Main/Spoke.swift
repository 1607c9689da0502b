@main struct Spoke { static func main() {} }
