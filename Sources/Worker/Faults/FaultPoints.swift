#if DEBUG
    import Foundation

    /// Where a worker dies on purpose. Only debug builds have this; in a release build the calls are empty.
    struct FaultPoints {
        private let reached: (FaultPoint, FaultPoint.Moment) -> Void

        init(_ reached: @escaping (FaultPoint, FaultPoint.Moment) -> Void = { _, _ in }) { self.reached = reached }

        func before(_ point: FaultPoint?) { if let point { reached(point, .before) } }
        func after(_ point: FaultPoint?) { if let point { reached(point, .after) } }

        /// `CONTINUO_KILL_AT` names a point (`join.attach.after`). The first process that gets there and can make the file
        /// `CONTINUO_KILL_MARK` kills itself.
        static func fromEnvironment() -> FaultPoints {
            let environment = ProcessInfo.processInfo.environment
            guard let wanted = environment["CONTINUO_KILL_AT"], let mark = environment["CONTINUO_KILL_MARK"] else {
                return FaultPoints()
            }
            return FaultPoints { point, moment in
                guard name(point, moment) == wanted else { return }
                let descriptor = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0o600)
                guard descriptor >= 0 else { return }
                close(descriptor)
                kill(getpid(), SIGKILL)
            }
        }

        /// `joinAttach`, `after`: `join.attach.after`.
        static func name(_ point: FaultPoint, _ moment: FaultPoint.Moment) -> String {
            let words = "\(point)".reduce(into: "") { $0 += $1.isUppercase ? ".\($1.lowercased())" : "\($1)" }
            return "\(words).\(moment)"
        }

        static var allNames: [String] {
            FaultPoint.allCases.flatMap { point in FaultPoint.Moment.allCases.map { name(point, $0) } }
        }
    }
#else
    struct FaultPoints {
        @inline(__always) func before(_ point: FaultPoint?) {}
        @inline(__always) func after(_ point: FaultPoint?) {}

        static func fromEnvironment() -> FaultPoints { FaultPoints() }
    }
#endif
