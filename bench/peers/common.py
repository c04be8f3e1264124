"""What the scripts share: phases, peak memory, one JSON document on stdout."""
import json
import resource
import time


class Phases:
    """Wall and processor seconds of each phase."""

    def __init__(self):
        self.wall, self.cpu = {}, {}
        self._start()

    def _start(self):
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def end(self, name):
        """Ends a phase; the next one begins."""
        self.wall[name] = round(time.perf_counter() - self._wall, 3)
        self.cpu[name] = round(time.process_time() - self._cpu, 3)
        self._start()


def report(phases, **more):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": phases.wall, "cpu_seconds": phases.cpu, "peak_mb": peak, **more}))
