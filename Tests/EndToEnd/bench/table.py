"""What was measured, beside the targets. Times differ from minute to minute; ratios to a reference of the same run hold."""

import statistics

from .scenarios import SCENARIOS

# (scenario, what): (kind, limit). A ratio is the value divided by the reference of the same run.
AT_LEAST, AT_MOST, RATIO_AT_LEAST, RATIO_AT_MOST = range(4)
TARGETS = {
    ("P1", "requests/s"): (RATIO_AT_LEAST, 0.5),
    ("P1", "front door CPU, µs"): (RATIO_AT_MOST, 2.2),
    ("P2", "requests/s, 10"): (RATIO_AT_LEAST, 0.85),
    ("P2", "requests/s, 50"): (RATIO_AT_LEAST, 0.85),
    ("P2", "gateway CPU, 10, µs"): (AT_MOST, 60),
    ("P2", "gateway CPU, 50, µs"): (AT_MOST, 60),
    ("P2", "gateway CPU, 10, pipelined, µs"): (AT_MOST, 30),
    ("P3", "added p50, µs"): (RATIO_AT_MOST, 1.5),
    ("P3", "added p99, µs"): (RATIO_AT_MOST, 3),
    ("P4", "joins/s"): (RATIO_AT_LEAST, 0.8),
    ("P4", "gateway CPU, µs a join"): (AT_MOST, 400),
    ("P6", "last told p50, among 100, µs"): (AT_MOST, 1200),
    ("P6", "among 4000 beside 100"): (RATIO_AT_MOST, 1.2),
    ("P7", "KB a connection"): (AT_MOST, 12),
    ("P8", "opened/s"): (RATIO_AT_LEAST, 0.5),
    ("P8", "all back, s"): (AT_MOST, 5),
}


def show(results, problems):
    print(f"  {'':36} {'gateway':>10} {'reference':>10} {'ratio':>7}  {'from – to':15} {'target':10} verdict")
    for name, runs in results.items():
        print(f"\n{name}  {SCENARIOS[name].__doc__.splitlines()[0]}")
        if name in problems:
            print(f"  not measured: {problems[name]}")
        for what in runs[0] if runs else ():
            _line(name, what, [run[what] for run in runs])


def _line(name, what, pairs):
    values = [value for value, _ in pairs]
    ratios = [value / reference for value, reference in pairs if reference]
    references = [reference for _, reference in pairs if reference]
    kind, limit = TARGETS.get((name, what), (None, None))
    is_ratio = kind in (RATIO_AT_LEAST, RATIO_AT_MOST)
    judged = ratios if is_ratio else values
    target, verdict = "", ""
    if kind is not None and judged:
        rises = kind in (AT_LEAST, RATIO_AT_LEAST)
        middle = statistics.median(judged)
        target = f"{'≥' if rises else '≤'} {limit:g}{' ×' if is_ratio else ''}"
        verdict = "kept" if (middle >= limit if rises else middle <= limit) else "MISSED"
    reference = _number(statistics.median(references)) if references else ""
    ratio = f"{statistics.median(ratios):.2f}" if ratios else ""
    spread = f"{_number(min(judged))} – {_number(max(judged))}" if judged else ""
    print(f"  {what:36} {_number(statistics.median(values)):>10} {reference:>10} {ratio:>7}  {spread:15} {target:10} {verdict}".rstrip())


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
