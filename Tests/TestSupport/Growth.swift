import Glibc

/// How much more work an input that is larger makes. For runs of their own (``Fuzzing/isLong``): it looks at the processor's
/// clock of this thread.
public enum Growth {
    /// - Parameters:
    ///   - size: of the smaller input.
    ///   - input: makes one of a size.
    /// - Returns: by which factor the work grows when the size doubles; about 2 when it is proportional, 4 when quadratic.
    public static func perDoubling<Input>(from size: Int, _ input: (Int) -> Input, _ work: (Input) -> Void) -> Double {
        let doublings = 4
        let (small, large) = (input(size), input(size << doublings))
        let ratio = least { work(large) } / max(least { work(small) }, 1e-7)
        return pow(ratio, 1 / Double(doublings))
    }

    private static func least(_ work: () -> Void) -> Double {
        (0..<5).map { _ in
            let before = now()
            work()
            return now() - before
        }.min() ?? 0
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
