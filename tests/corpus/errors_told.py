"""What users are told when something fails, and what they must not be told."""

from typing import Any

from ssegauge.conformance.recording.transcript import Request, Transcript
from tests.corpus.build import Case, completed, connected, exchange, failed, progress, task
from tests.corpus.errors import HTML, answer, error

V8 = "TypeError: x is not a function\n    at Monitor.run (/app/build/monitor.js:10:15)\n    at node:internal/main:5:1"
JVM = "at com.acme.tasks.TaskService.find(TaskService.java:42)"

PAGE = (
    b"<script src=\"/_next/static/chunks/main-abc.js\" async></script><link href='/usr/share/theme/main.css'>"
    b'<a href=/home/help/errors/index.js>Help</a><form ACTION = "/srv/search/find.php"></form><h1>404</h1>'
    b'<script>self.__next_f.push([1,"/_next/static/chunks/app/error-1f.js"])</script>'
)


def failing(*chunks: bytes, how: str = "eof", ended_at: float | None = None) -> Transcript:
    """The stream of a task that was made to fail."""
    return exchange(*(chunks or task(end=failed())), kind="failing", how=how, ended_at=ended_at)


def told(text: Any) -> tuple[Transcript, ...]:
    """A stream with an `error` message."""
    return (exchange(connected(), error(text)),)


def why(text: Any) -> tuple[Transcript, ...]:
    """A task that failed for this reason."""
    return (failing(*task(end=failed(error=text))),)


def refused(text: Any, url: str = "http://127.0.0.1/stream", status: int = 400) -> tuple[Transcript, ...]:
    body = text if isinstance(text, bytes) else {"error": "bad", "message": text}
    return (answer("malformed-id", status, body, request=Request("GET", url)),)


def snapshot(status: Any) -> Transcript:
    return answer("snapshot", 200, {"taskId": "task-1", "status": status}, task_id="task-1", when="ended")


RUNNING = (connected(), progress(0, "pending"), progress(40))
CASES = {
    "errors/failed-task-silent": Case(
        good=(
            (failing(),),
            (failing(*RUNNING, failed(), how="timeout"),),
            (failing(*RUNNING, error("The source is down; try again.")),),
        ),
        bad=(
            (failing(*RUNNING),),
            (failing(*RUNNING, how="timeout", ended_at=5000.0), snapshot("failed")),
        ),
        silent=(
            (failing(*RUNNING, how="timeout"), snapshot("failed")),  # it may have failed the moment before we asked
            (failing(*RUNNING, how="timeout"),),  # may be slower than we waited
            (failing(*RUNNING, how="timeout"), snapshot("running")),
            (failing(*RUNNING, how="timeout"), snapshot(["failed"])),
            (failing(*RUNNING, completed()),),  # the hook made no failure
            (failing(*RUNNING, how="error"),),
            (exchange(*RUNNING),),
        ),
    ),
    "errors/error-without-guidance": Case(
        good=(
            told("The stream broke; it will reconnect by itself."),
            why("The source did not answer."),
            why("undefined variable in the query"),
            told("\ud800 is half a character"),
            why("The brand is not known here. Check its name."),
            why("The brand name is not defined; open the settings and give it one."),
            why("Scoring is not a function of this plan. A list of brands is not iterable by name."),
            why("Cannot read properties from the catalogue; it is being rebuilt."),
            why("エラー：ソースが応答しません"),
        ),
        bad=(
            told(""),
            told(None),
            told(["x"]),
            told("[object Object]"),
            told("Error."),
            told("Cannot read properties of undefined (reading 'status')"),
            why("'NoneType' object has no attribute 'get'"),
            why("'int' object is not subscriptable"),
            why("undefined is not iterable (cannot read property Symbol(Symbol.iterator))"),
            why("task.report is not a function"),
            why("TypeError: x is not a function"),
            why("ReferenceError: brand is not defined"),
            why("Error"),
            why("undefined"),
            why(" Unknown error! "),
            (exchange(error("null"), role="unknown-task"),),
        ),
        silent=(why(""), why(None), why([1]), (exchange(*task()),)),
    ),
    "errors/error-leaks-internals": Case(
        good=(
            why("The source did not answer; try again at 10:15."),
            why("Select a plan from the list, or update your settings and delete from the menu."),
            why("See https://example.com/docs/errors.html or /api/brand-monitor/tasks for more."),
            why("and/or: 3/4 of the pages were read. Ask at /home/support, /users/7 or ~/notes"),
            why("Node.js, ASP.NET and example.com/index.php could not be reached."),
            why("Reading https://example.com/etc/about.html?at=1:2 failed."),
            told("The stream was lost; reconnecting."),
            refused("There is nothing at /api/brand-monitor/tasks/x. See /openapi.json."),
            refused("Cannot GET /a/../../etc/passwd", "http://127.0.0.1/a/..%2f..%2fetc%2fpasswd"),
            refused("' OR 1=1 is no id; SELECT * FROM x neither", "http://127.0.0.1/SELECT%20*%20FROM%20x"),
            refused(HTML, status=404),
            refused(PAGE, status=404),
            refused("Nothing at /docs/errors/index.js nor /static/app/page.php; the list is at /opt/out.", status=404),
            refused("See /etc/ and /var/x. Leave at /opt/out/newsletter."),
            refused(b"\xff\xfe"),
            refused(b"[" * 100_000),
        ),
        bad=(
            why('Traceback (most recent call last):\n  File "x.py", line 42, in run'),
            why("ENOENT: no such file or directory, open '/srv/app/data/tasks.json'"),
            why("could not read /home/deploy/monitor/tasks.py"),
            why(r"Could not find C:\inetpub\monitor\web.config"),
            why("relation missing: SELECT * FROM mentions WHERE brand = 'x'"),
            why("connect ECONNREFUSED postgres://app:secret@db:5432/monitor"),
            why('duplicate key value violates unique constraint "tasks_pkey"'),
            why("java.lang.NullPointerException"),
            why("tasks.go:42: nil map"),
            why("Call to undefined method in /var/www/html/task.php on line 7"),
            told(V8),
            told("\ud800 SELECT x FROM \ud800"),
            told(JVM),
            refused("sqlite3.OperationalError: no such table: tasks"),
            refused(
                b"<pre>Error: x<br> &nbsp; at run (/usr/src/app/node_modules/express/lib/router.js:280:10)</pre>",
                status=500,
            ),
            refused("Cannot find module '/app/routes.js'", status=500),
            refused("Cannot open /opt/monitor/run.sh", status=500),
            refused("Cannot open /home/deploy/monitor/index.js", status=500),
            refused("root:x:0:0 in /etc/passwd"),
            refused(PAGE + b"<pre>/home/deploy/monitor/errors.py</pre>", status=500),
            refused("Cannot open /var/lib/monitor/passwd", "http://127.0.0.1/a/..%2f..%2fetc%2fpasswd"),
        ),
        silent=((exchange(*task()),), refused(b""), (answer("malformed-id", 200, {"path": "/etc/passwd"}),)),
    ),
}
