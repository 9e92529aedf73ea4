from tests.faults.test_relay_faults import *
import subprocess, sys
from tests.faults.test_relay_faults import _collected
@contextlib.contextmanager
def relay_process(dsn, cluster, spec):
    code = "import faulthandler,sys; faulthandler.dump_traceback_later(20, repeat=True); sys.argv=['x']+sys.argv[1:]; import runpy; runpy.run_module('tests.faults.relay_process', run_name='__main__')"
    log=open('/tmp/relato/relay/proc.log','w')
    process = subprocess.Popen([sys.executable,'-c',code,dsn,cluster.servers,spec.name], cwd=ROOT, stdout=log, stderr=log)
    try: yield process
    finally:
        process.kill(); process.wait(20)
@pytest.mark.parametrize('n',range(6))
def test_x(n,ledger,databases,cluster,spec):
    append(ledger, 12_000, subjects=SUBJECTS, group=400)
    watcher = lane_of(databases.app, spec)
    try:
        for k in range(5):
            before = watcher.load(); t0=time.time()
            with relay_process(databases.app, cluster, spec) as process:
                await_true(lambda before=before: watcher.load() > before or process.poll() is not None, 60)
                time.sleep(random.random() / 3)
            print(k, before, watcher.load(), time.time()-t0)
            append(ledger, 100, subjects=SUBJECTS)
    finally: watcher.close()
