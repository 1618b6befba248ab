"""The program from outside: every command, with and without a running node, and two nodes that share.

usage: cli_test.py PROGRAM [SHARED_DATA]
"""

import base64
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import zipfile

PROGRAM = sys.argv[1]
SHARED = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
PATIENCE_S = 60


def export(title, branches=1):
    """One conversation as ChatGPT exports it: a question, and `branches` answers to it."""
    def node(name, parent, children, role=None, text="", when=0.0):
        message = None
        if role:
            message = {"id": name, "author": {"role": role, "name": None, "metadata": {}}, "create_time": when,
                       "content": {"content_type": "text", "parts": [text]}, "status": "finished_successfully",
                       "weight": 1.0, "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
                       "recipient": "all"}
        return {"id": name, "message": message, "parent": parent, "children": children}
    answers = [f"a{i}" for i in range(branches)]
    mapping = {"root": node("root", None, ["q"]),
               "q": node("q", "root", answers, "user", f"What about {title}? Zebras too.", 1714744920.0)}
    for i, name in enumerate(answers):
        mapping[name] = node(name, "q", [], "assistant", f"Answer {i} about **{title}**, with 東京.", 1714744930.0 + i)
    return {"id": f"original-{title}", "conversation_id": f"original-{title}", "title": title,
            "create_time": 1714744920.0, "update_time": 1714744940.0, "mapping": mapping,
            "current_node": answers[-1], "default_model_slug": "gpt-4o"}


def with_another_secret(ticket):
    """The same ticket (docs/protocol/sync.md#tickets) with one bit of its secret turned, and its checksum right."""
    text = ticket.removeprefix("vivim1").upper()
    body = bytearray(base64.b32decode(text + "=" * (-len(text) % 8))[:-4])
    body[1 + 16 + 16] ^= 1
    whole = bytes(body) + hashlib.sha256(body).digest()[:4]
    return "vivim1" + base64.b32encode(whole).decode().rstrip("=").lower()


class Vivim:
    """One home, and the commands on it."""

    def __init__(self, folder):
        self.home = str(folder)
        self.node = None

    def environment(self):
        return {**os.environ, "VIVIM_HOME": self.home, "TZ": "UTC", "COLUMNS": "100"}

    def run(self, *words, stdin=subprocess.DEVNULL):
        return subprocess.run([PROGRAM, *words], env=self.environment(), stdin=stdin, timeout=PATIENCE_S,
                              capture_output=True, encoding="utf-8")

    def good(self, *words):
        done = self.run(*words)
        if done.returncode != 0:
            raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.good(*words, "--json"))

    def bad(self, code, *words):
        done = self.run(*words)
        if done.returncode != code:
            raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        assert any(line.startswith("vivim: ") for line in done.stderr.splitlines()), done.stderr
        return done.stderr

    def start(self, *words, listen=("--listen", "/ip4/127.0.0.1/tcp/0")):
        self.node = subprocess.Popen(
            [PROGRAM, "run", "--json", "--http", "127.0.0.1:0", *listen, *words],
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        self.announced = json.loads(self.node.stdout.readline())
        return self.announced

    def stop(self):
        if self.node:
            self.node.send_signal(signal.SIGTERM)
            code = self.node.wait(PATIENCE_S)
            self.node.stdout.close()
            self.node = None
            return code
        return None

    def request(self, method, path, body=None):
        text = self.text(path, method, body)
        return json.loads(text) if text else None

    def text(self, path, method="GET", body=None):
        token = pathlib.Path(self.home, "session-token").read_text().strip()
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.announced["http"].rstrip("/") + path, data, method=method,
                                       headers={"Authorization": f"Bearer {token}",
                                                "Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return answer.read().decode()


class Events:
    """The WebSocket of /api/v2/events: RFC 6455 as far as a listener needs it."""

    def __init__(self, vivim):
        host = vivim.announced["http"].removeprefix("http://").rstrip("/")
        name, port = host.rsplit(":", 1)
        token = pathlib.Path(vivim.home, "session-token").read_text().strip()
        self.socket = socket.create_connection((name, int(port)), PATIENCE_S)
        self.socket.sendall((f"GET /api/v2/events?token={token} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.socket.recv(1)
        assert b" 101 " in head, head

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the node closed the socket"
            data += more
        return data

    def next(self, type):
        """The next event of a type; others are passed over."""
        while True:
            opcode, length = self.exactly(2)
            if length == 126:
                length = int.from_bytes(self.exactly(2), "big")
            payload = self.exactly(length)
            if opcode == 0x81 and json.loads(payload)["type"] == type:
                return json.loads(payload)

    def close(self):
        self.socket.close()


def until(what, condition):
    """Asks again until `condition()` is true; the deadline is only for when it never becomes so."""
    end = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.02)


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vivim-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.vivim = self.make("home")

    def make(self, name):
        vivim = Vivim(self.folder / name)
        self.addCleanup(lambda: vivim.stop())
        return vivim

    def write_export(self, *conversations):
        path = self.folder / "conversations.json"
        path.write_text(json.dumps(list(conversations)))
        return str(path)

    def imported(self, vivim=None, title="Gardens"):
        vivim = vivim or self.vivim
        vivim.good("import", self.write_export(export(title, branches=2)))
        return vivim.json("ls")["conversations"][0]["id"]

    # the home

    def test_init_makes_a_private_home_once(self):
        first = self.vivim.json("init")
        self.assertEqual(first["home"], self.vivim.home)
        self.assertEqual(self.vivim.json("init"), first)
        self.assertEqual(self.vivim.json("id")["peer_id"], first["peer_id"])
        self.assertEqual(os.stat(self.vivim.home).st_mode & 0o777, 0o700)
        for name in os.listdir(self.vivim.home):
            self.assertEqual(os.stat(pathlib.Path(self.vivim.home, name)).st_mode & 0o077, 0, name)

    def test_a_home_that_is_not_there_is_not_made_by_looking(self):
        for words in (["ls"], ["status"], ["search", "x"], ["doctor"]):
            self.assertIn("vivim run", self.vivim.bad(3, *words))
        self.assertFalse(os.path.exists(self.vivim.home))

    def test_flags_and_config(self):
        self.vivim.good("init")
        config = pathlib.Path(self.vivim.home, "config.toml")
        config.write_text('http = "127.0.0.1:0"\nlisten = []\n')
        self.vivim.node = subprocess.Popen([PROGRAM, "run", "--json"], env=self.vivim.environment(),
                                           stdout=subprocess.PIPE, encoding="utf-8")
        self.assertEqual(json.loads(self.vivim.node.stdout.readline())["listen"], [])
        self.assertEqual(self.vivim.stop(), 0)
        config.write_text("htpp = 1\n")
        self.assertIn("config.toml, line 1", self.vivim.bad(2, "run"))
        config.unlink()
        self.assertIn("--http", self.vivim.bad(2, "run", "--http", "nowhere"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assertIn(address, self.vivim.bad(5, "run", "--http", address, "--listen", "/ip4/127.0.0.1/tcp/0"))

    # without a node

    def test_conversations_without_a_node(self):
        self.every_command_on_conversations()

    def test_conversations_with_a_node(self):
        self.vivim.start()
        self.every_command_on_conversations()

    def every_command_on_conversations(self):
        vivim = self.vivim
        report = vivim.json("import", self.write_export(export("Gardens", branches=2), export("Trains")))
        self.assertEqual((report["added"], report["unchanged"], report["turns"]), (2, 0, 7))
        report = vivim.json("import", self.write_export(export("Gardens", branches=2), export("Trains")))
        self.assertEqual((report["added"], report["unchanged"]), (0, 2))
        listed = vivim.json("ls", "--sort", "title")["conversations"]
        self.assertEqual([c["title"] for c in listed], ["Gardens", "Trains"])
        self.assertEqual([c["provider"] for c in listed], ["chatgpt"] * 2)
        gardens = listed[0]["id"]
        self.assertIn("Gardens", vivim.good("ls"))
        self.assertEqual(len(vivim.json("ls", "--limit", "1")["conversations"]), 1)

        text = vivim.good("show", gardens[:8])
        self.assertIn("Answer 1 about **Gardens**", text)
        self.assertIn("branches: a0 [this]", text)
        self.assertIn("Answer 0", vivim.good("show", gardens, "--branch", "a0"))
        vivim.bad(3, "show", gardens, "--branch", "none")
        self.assertEqual([t["role"] for t in vivim.json("show", gardens)["turns"]][-2:], ["user", "assistant"])

        until("the index", lambda: vivim.json("search", "zebras")["indexing"]["pending"] == 0)
        self.assertEqual({h["title"] for h in vivim.json("search", "zebras")["hits"]}, {"Gardens", "Trains"})
        self.assertIn("Gardens", vivim.good("search", "answer", "gardens", "--best"))
        self.assertEqual(vivim.good("search", "nothing-like-it"), "Nothing found.\n")

        self.assertEqual(vivim.json("export", gardens, "--format", "json")["title"], "Gardens")
        self.assertIn("東京", vivim.good("export", gardens))
        page = self.folder / "page.html"
        vivim.good("export", gardens, "--format", "html", "-o", str(page))
        self.assertIn("Gardens", page.read_text())

        fresh = vivim.good("new", "Fresh one").strip()
        vivim.good("rename", fresh, "Renamed")
        self.assertEqual(vivim.json("show", fresh)["title"], "Renamed")
        self.assertIn("--yes", vivim.bad(2, "rm", fresh))
        vivim.good("rm", fresh, "--yes")
        self.assertIn("vivim ls", vivim.bad(3, "show", fresh))
        self.assertEqual(len(vivim.json("ls")["conversations"]), 2)
        self.assertTrue(vivim.json("doctor")["ok"])

    def test_what_can_be_imported(self):
        archive = self.folder / "export.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("conversations.json", json.dumps([export("Zipped")]))
        self.assertEqual(self.vivim.json("import", str(archive))["added"], 1)
        folder = self.folder / "unpacked"
        folder.mkdir()
        (folder / "conversations.json").write_text(json.dumps([export("Folder")]))
        self.assertEqual(self.vivim.json("import", str(folder))["added"], 1)
        cut = self.folder / "cut.json"
        cut.write_text(json.dumps([export("Whole"), export("Broken")])[:-200])
        report = self.vivim.json("import", str(cut))
        self.assertEqual((report["added"], report["failed"]), (1, 1))
        self.assertGreater(report["failures"][0]["byte"], 0)
        self.assertIn("none.zip", self.vivim.bad(3, "import", str(self.folder / "none.zip")))
        (self.folder / "letter.txt").write_text("Dear reader")
        self.vivim.bad(2, "import", str(self.folder / "letter.txt"))

    @unittest.skipUnless(SHARED and (SHARED / "chatgpt-export").is_dir(), "skipped: no real export here")
    def test_real_export(self):
        source = json.loads((SHARED / "chatgpt-export/conversations.json").read_text())
        report = self.vivim.json("import", str(SHARED / "chatgpt-export"))
        self.assertEqual(report["added"], len(source))
        self.assertEqual(report["turns"], sum(len(c["mapping"]) for c in source))
        listed = self.vivim.json("ls")["conversations"]
        self.assertEqual({c["title"] for c in listed}, {c["title"] for c in source})
        for conversation in listed:
            self.assertTrue(self.vivim.good("show", conversation["id"], "--hidden"))
            exported = self.vivim.json("export", conversation["id"], "--format", "json")
            original = next(c for c in source if c["title"] == conversation["title"])
            self.assertEqual({t["id"] for t in exported["turns"]}, set(original["mapping"]))

    # a node that runs

    def test_start_status_stop(self):
        announced = self.vivim.start()
        self.assertTrue(announced["url"].startswith(announced["http"] + "?token="))
        status = self.vivim.json("status")
        self.assertEqual(status["http"], announced["http"])
        self.assertEqual(status["listen"], announced["listen"])
        self.assertEqual(status["home"], self.vivim.home)
        self.assertIn(announced["peer_id"], self.vivim.good("id"))
        self.assertIn(str(self.vivim.node.pid), self.vivim.bad(5, "run"))
        self.assertIn("Nobody", self.vivim.good("peers"))
        self.assertTrue(self.vivim.json("stop")["stopped"])
        self.assertEqual(self.vivim.node.wait(PATIENCE_S), 0)
        self.assertFalse(os.path.exists(self.vivim.home + "/node.json"))
        for words in (["status"], ["stop"], ["peers"], ["share", "x"], ["connect", "/ip4/127.0.0.1/tcp/1"]):
            self.assertIn("vivim run", self.vivim.bad(6, *words))

    def test_a_second_signal_ends_it_at_once(self):
        self.vivim.start()
        port = int(self.vivim.announced["http"].rstrip("/").rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(b"POST /api/v2/join HTTP/1.1\r\nHost: ")  # an orderly stop waits for this
            self.vivim.json("status")
            self.vivim.node.send_signal(signal.SIGINT)
            until("the stop", lambda: not os.path.exists(self.vivim.home + "/node.json"))
            self.vivim.node.send_signal(signal.SIGINT)
            self.assertEqual(self.vivim.node.wait(PATIENCE_S), 130)
        self.assertTrue(self.vivim.json("doctor")["ok"])

    def test_restart_keeps_everything(self):
        first = self.vivim.start()
        id = self.imported()
        before = self.vivim.json("export", id, "--format", "json")
        token = first["url"].split("token=")[1]
        self.assertEqual(self.vivim.stop(), 0)
        second = self.vivim.start()
        self.assertEqual(second["peer_id"], first["peer_id"])
        self.assertEqual(second["url"].split("token=")[1], token)
        self.assertEqual(self.vivim.json("export", id, "--format", "json"), before)

    def test_a_killed_node_is_in_nobodys_way(self):
        self.vivim.start()
        id = self.imported()
        self.vivim.node.kill()
        self.vivim.node.wait(PATIENCE_S)
        self.assertTrue(os.path.exists(self.vivim.home + "/node.json"))
        self.assertIn("vivim run", self.vivim.bad(6, "status"))
        self.assertEqual(self.vivim.json("show", id)["title"], "Gardens")
        self.assertTrue(self.vivim.json("doctor")["ok"])
        self.vivim.node.stdout.close()
        self.vivim.start()
        self.assertEqual(self.vivim.json("show", id)["title"], "Gardens")

    def test_a_node_that_does_not_answer(self):
        self.vivim.start()
        path = pathlib.Path(self.vivim.home, "node.json")
        node = json.loads(path.read_text())
        path.write_text(json.dumps({**node, "http": "http://127.0.0.1:1/"}))
        self.assertIn("http://127.0.0.1:1/", self.vivim.bad(6, "ls"))

    def test_strangers_get_nothing(self):
        announced = self.vivim.start()
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(announced["http"] + "api/v2/conversations", timeout=PATIENCE_S)
        refused.exception.close()
        self.assertEqual(refused.exception.code, 401)
        pathlib.Path(self.vivim.home, "session-token").write_text("0" * 64)
        self.vivim.bad(4, "ls")

    # two nodes

    def two_nodes(self):
        friend = self.make("friend")
        self.vivim.start()
        friend.start()
        return friend

    def first_turn_text(self, vivim, id, turn):
        return next(t["text"] for t in vivim.json("show", id)["turns"] if t["id"] == turn)

    def test_share_join_edit_unshare(self):
        friend = self.two_nodes()
        id = self.imported()
        ticket = self.vivim.json("share", id)["ticket"]
        self.assertEqual(self.vivim.good("share", id).count("vivim1"), 1)
        events = Events(friend)
        self.addCleanup(events.close)
        joined = friend.json("join", ticket)
        self.assertEqual((joined["id"], joined["title"]), (id, "Gardens"))
        progress = events.next("sync:progress")
        self.assertEqual((progress["document"], progress["peer"], progress["state"]),
                         (id, self.vivim.announced["peer_id"], "opened"))
        while progress["state"] != "synced":
            progress = events.next("sync:progress")
        self.assertGreater(progress["updates"] * progress["bytes"], 0)
        self.assertEqual([c["id"] for c in friend.json("ls")["conversations"]], [id])
        self.assertIn(self.vivim.announced["peer_id"], friend.good("peers"))
        self.assertIn(friend.announced["peer_id"], self.vivim.good("peers"))

        self.vivim.request("PATCH", f"/api/v2/conversations/{id}/turns/q", {"text": "Edited here."})
        until("the edit", lambda: self.first_turn_text(friend, id, "q") == "Edited here.")
        friend.request("PATCH", f"/api/v2/conversations/{id}/turns/q", {"text": "Edited there."})
        until("the answer", lambda: self.first_turn_text(self.vivim, id, "q") == "Edited there.")

        self.vivim.good("unshare", id)
        self.vivim.request("PATCH", f"/api/v2/conversations/{id}/turns/q", {"text": "Not for others."})
        third = self.make("third")
        third.start()
        self.assertIn("new ticket", third.bad(4, "join", ticket))
        self.assertEqual(third.json("ls")["conversations"], [])
        self.assertEqual(self.first_turn_text(friend, id, "q"), "Edited there.")

    def test_a_wrong_secret_and_nonsense_are_refused(self):
        friend = self.two_nodes()
        own = self.imported()
        ticket = self.vivim.json("share", own)["ticket"]
        position = len(ticket) // 2
        damaged = ticket[:position] + ("a" if ticket[position] != "a" else "b") + ticket[position + 1:]
        friend.bad(2, "join", damaged)
        friend.bad(2, "join", "not a ticket")
        self.assertIn("new ticket", friend.bad(4, "join", with_another_secret(ticket)))
        self.vivim.good("unshare", own)
        friend.bad(4, "join", ticket)
        self.assertEqual(friend.json("ls")["conversations"], [])

    def test_a_ticket_whose_node_is_away(self):
        friend = self.two_nodes()
        id = self.imported()
        self.vivim.request("DELETE", f"/api/v2/conversations/{id}/turns/a0")
        ticket = self.vivim.json("share", id)["ticket"]
        listen = self.vivim.announced["listen"][0].rsplit("/p2p/", 1)[0]
        self.vivim.stop()
        self.assertEqual(friend.json("join", ticket)["state"], "waiting")
        self.assertEqual([c["title"] for c in friend.json("ls")["conversations"]], ["Gardens"])
        self.vivim.start("--listen", listen)
        until("the conversation", lambda: len(friend.json("show", id)["turns"]) > 1)

    def test_connect(self):
        friend = self.two_nodes()
        address = self.vivim.announced["listen"][0]
        self.assertIn(self.vivim.announced["peer_id"], friend.good("connect", address))
        self.assertEqual([p["id"] for p in friend.json("peers")["peers"]], [self.vivim.announced["peer_id"]])
        wrong = address.rsplit("/", 1)[0] + "/" + friend.announced["peer_id"]
        self.assertNotEqual(friend.run("connect", wrong).returncode, 0)
        friend.bad(2, "connect", "somewhere")

    def test_looking_at_a_connection(self):
        friend = self.two_nodes()
        peer = self.vivim.announced["peer_id"]
        friend.bad(3, "ping", peer)
        address = self.vivim.announced["listen"][0]
        pinged = friend.json("ping", address, "-c", "2")
        self.assertEqual(pinged["peer_id"], peer)
        self.assertEqual(len(pinged["rtt_ms"]), 2)
        self.assertIn(" ms", friend.good("ping", peer, "-c", "1"))
        known = until("identify", lambda: friend.json("peers")["peers"][0]["protocols"])
        self.assertIn("/vivim/sync/1.0.0", known)
        verbose = friend.good("peers", "--verbose")
        self.assertIn("/vivim/sync/1.0.0", verbose)
        self.assertIn("noise", verbose)
        self.assertIn("limits.system.connections_inbound", friend.good("swarm", "limits"))
        self.assertIn("receive windows of a connection", friend.good("swarm", "limits"))
        limits = {row["key"]: row for row in friend.json("swarm", "limits")["limits"]}
        self.assertEqual(limits["limits.system.connections_outbound"]["used"], 1)
        self.assertIn("perf = true", friend.run("perf", peer).stderr)
        self.assertIn("Disconnected", friend.good("disconnect", peer))
        until("the end of the connection", lambda: not friend.json("peers")["peers"])
        friend.bad(3, "disconnect", peer)
        # Where others were is remembered.
        friend.stop()
        friend.start()
        self.assertIn(" ms", friend.good("ping", peer, "-c", "1"))

    def test_events_of_peers(self):
        friend = self.two_nodes()
        events = Events(self.vivim)
        self.addCleanup(events.close)
        peer = friend.announced["peer_id"]
        friend.good("connect", self.vivim.announced["listen"][0])
        connected = events.next("peer:connected")
        self.assertEqual((connected["peer"], connected["direction"]), (peer, "inbound"))
        self.assertEqual(events.next("peer:discovered"),
                         {"type": "peer:discovered", "peer": peer, "source": "identify"})
        friend.good("disconnect", self.vivim.announced["peer_id"])
        ended = events.next("peer:disconnected")
        self.assertEqual((ended["peer"], ended["cause"]), (peer, "remote"))
        self.assertIn("remote", ended["reason"])
        verbose = self.vivim.good("peers", "--verbose")
        self.assertIn("ago", verbose)
        self.assertIn("remote", verbose)

    def configured(self, name, *lines):
        """A node of its own with these lines in config.toml, running."""
        vivim = self.make(name)
        vivim.good("init")
        pathlib.Path(vivim.home, "config.toml").write_text("\n".join(lines) + "\n")
        vivim.start()
        return vivim

    def test_finding_things_in_the_dht(self):
        alice = self.configured("alice", "[dht]", 'mode = "server"')
        bob = self.configured("bob", "[dht]", 'mode = "server"')
        peer = alice.announced["peer_id"]
        content = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
        self.assertIn("vivim connect", alice.bad(6, "dht", "find", content))
        events = Events(bob)
        self.addCleanup(events.close)
        bob.good("connect", alice.announced["listen"][0])
        until("the DHT", lambda: "libp2p_kad_table_peers 1" in bob.text("/metrics") + alice.text("/metrics"))
        until("alice to provide", lambda: alice.run("dht", "provide", content).returncode == 0)
        found = bob.json("dht", "find", content)
        self.assertEqual([one["peer_id"] for one in found["providers"]], [peer])
        self.assertTrue(found["providers"][0]["signed"])
        self.assertEqual(events.next("content:available"),
                         {"type": "content:available", "content": content, "provider": peer})
        self.assertIn("Lookup complete", bob.good("dht", "find", content))
        self.assertIn("1 of 1 node", alice.good("dht", "put", "profile", "Hello"))
        self.assertEqual(bob.json("dht", "get", f"/vivim/content/{peer}/profile")["text"], "Hello")
        self.assertIn("Hello", bob.good("dht", "get", f"/vivim/content/{peer}/profile"))
        self.assertIn("the node itself (signed)", bob.good("dht", "find", "--peer", peer))
        self.assertIn("Nobody says", bob.good("dht", "find", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"))
        bob.bad(3, "dht", "get", f"/vivim/content/{peer}/nothing")
        bob.bad(2, "dht", "find", "--peer", "nobody")

    def test_messages(self):
        friend = self.two_nodes()
        events = Events(self.vivim)
        self.addCleanup(events.close)
        me, peer = self.vivim.announced["peer_id"], friend.announced["peer_id"]
        friend.good("connect", self.vivim.announced["listen"][0])
        sent = friend.json("message", "send", me, "See you at eight", "--delivery", "exactly-once")["id"]
        came = events.next("message:received")
        self.assertEqual((came["peer"], came["id"]), (peer, sent))
        until("the receipt", lambda: not friend.json("message", "list")["sending"])
        received = self.vivim.json("message", "list")["received"]
        self.assertEqual([(m["from"], m["text"], m["delivery"]) for m in received],
                         [(peer, "See you at eight", "exactly-once")])
        self.assertIn("See you at eight", self.vivim.good("message", "list"))
        self.assertIn("Removed", self.vivim.good("message", "rm", str(received[0]["number"])))
        self.vivim.bad(3, "message", "rm", str(received[0]["number"]))
        friend.good("message", "send", me, "one")
        friend.good("message", "send", me, "two")
        until("both", lambda: len(self.vivim.json("message", "list")["received"]) == 2)
        self.assertIn("Removed 2 messages", self.vivim.good("message", "rm", "--from", peer))
        self.assertEqual(self.vivim.json("message", "rm", "--from", peer), {"removed": 0})
        self.vivim.bad(2, "message", "rm", "--from", "nobody")
        self.vivim.bad(2, "message", "rm")
        self.vivim.bad(2, "message", "rm", "1", "--from", peer)
        friend.bad(2, "message", "send", "nobody", "x")
        friend.bad(2, "message", "send", peer, "to myself")
        friend.bad(2, "message", "send", me, "x", "--priority", "urgent")
        friend.stop()
        friend.bad(6, "message", "send", me, "x")

    def test_circles(self):
        friend = self.two_nodes()
        made = self.vivim.json("circle", "new", "family")
        self.assertIn(made["secret"], friend.good("circle", "join", made["secret"], "them"))
        friend.good("connect", self.vivim.announced["listen"][0])
        self.assertIn("family", self.vivim.good("circle", "list"))
        self.assertEqual(friend.json("circle", "list")["circles"][0]["topic"], made["topic"])
        until("gossip", lambda: [t for t in friend.request("GET", "/api/v2/topics")["topics"]
                                 if t["topic"] == made["topic"] and t["peers"]])
        events = Events(self.vivim)
        self.addCleanup(events.close)
        self.assertIn("Said", friend.good("circle", "say", made["id"], "Who comes?"))
        came = events.next("message:received")
        self.assertEqual((came["peer"], came["topic"]), (friend.announced["peer_id"], made["topic"]))
        heard = until("the message", lambda: self.vivim.json("message", "list")["received"])
        self.assertEqual([(m["topic"], m["text"]) for m in heard], [(made["topic"], "Who comes?")])
        self.assertIn("1 member", self.vivim.good("circle", "list"))
        self.vivim.good("circle", "leave", made["id"])
        self.vivim.bad(3, "circle", "leave", made["id"])
        self.vivim.bad(3, "circle", "say", made["id"], "x")
        friend.bad(2, "circle", "join", "nonsense")

    def test_messages_through_a_mailbox(self):
        keeper = self.configured("keeper", "[message]", "mailbox_server = true")
        lines = ("[message]", f'mailboxes = ["{keeper.announced["listen"][0]}"]')
        alice = self.configured("alice", *lines)
        bob = self.configured("bob", *lines)
        to = bob.announced["peer_id"]
        bob.stop()
        alice.good("message", "send", to, "While you were away")
        until("it to be kept", lambda: [m["state"] for m in alice.json("message", "list")["sending"]] == ["stored"])
        self.assertIn("at a mailbox", alice.good("message", "list"))
        keeper.stop()
        keeper.start("--listen", keeper.announced["listen"][0].rsplit("/p2p/", 1)[0])
        bob.start()
        until("the message", lambda: [m["text"] for m in bob.json("message", "list")["received"]] == ["While you were away"])
        until("the receipt", lambda: not alice.json("message", "list")["sending"])

    def test_meeting_at_a_rendezvous_point(self):
        point = self.configured("point", "rendezvous_server = true")
        lines = (f'rendezvous = ["{point.announced["listen"][0]}"]', 'rendezvous_namespace = "family"')
        alice = self.configured("alice", *lines)
        until("the registration", lambda: alice.json("swarm", "reachability")["rendezvous"][0]["registered"])
        bob = self.configured("bob", *lines)
        peer = alice.announced["peer_id"]
        until("alice to be found", lambda: bob.run("ping", peer, "-c", "1").returncode == 0)
        self.assertIn("as 'family', registered, 1 node found", bob.good("swarm", "reachability"))
        self.assertIn("listen", bob.good("swarm", "addresses"))
        for line in ("libp2p_rendezvous_registrations 2", 'libp2p_connections_opened_total{direction="inbound",'):
            self.assertIn(line, point.text("/metrics"))

    def test_messages_of_a_topic(self):
        topic = "/vivim/circles/family"
        self.vivim.good("init")
        self.assertEqual(self.vivim.run("topic", "ls").returncode, 6)
        alice = self.configured("alice", "mdns = false")
        bob = self.configured("bob", "mdns = false", "[pubsub]", f'topics = ["{topic}"]')
        self.assertIn("in no topic", alice.good("topic", "ls"))
        self.assertEqual(alice.run("topic", "leave", topic).returncode, 3)
        self.assertIn("nobody is known", alice.good("topic", "pub", topic, "too early"))
        alice.good("connect", bob.announced["listen"][0])
        until("bob in the topic", lambda: alice.json("topic", "pub", topic, "dinner is ready")["peers"] == 1)
        self.assertIn("dinner is ready", bob.good("topic", "sub", topic, "--all", "-c", "1"))
        message = bob.json("topic", "sub", topic, "--all", "-c", "1")
        self.assertEqual(message["author"], alice.announced["peer_id"])
        self.assertIn(topic, bob.good("topic", "ls"))
        self.assertIn("Left", bob.good("topic", "leave", topic))
        self.assertEqual(alice.run("topic", "pub", "").returncode, 2)

    def test_a_private_network(self):
        made = self.vivim.run("swarm", "key")
        self.assertEqual(made.stdout.splitlines()[:2], ["/key/swarm/psk/1.0.0/", "/base16/"])
        self.assertIn("Fingerprint: ", made.stderr)
        key = self.folder / "swarm.key"
        key.write_text(made.stdout)
        setting = f'private_network = "{key}"'
        alice, bob = self.configured("alice", setting), self.configured("bob", setting)
        outsider = self.configured("outsider")
        self.assertIn(alice.announced["peer_id"], bob.good("connect", alice.announced["listen"][0]))
        outsider.bad(6, "connect", alice.announced["listen"][0])
        alice.bad(6, "connect", outsider.announced["listen"][0])
        fingerprint = alice.json("status")["private_network"]
        self.assertIn(fingerprint, made.stderr)
        self.assertIn(fingerprint, bob.good("swarm", "reachability"))
        # There one member's word is enough.
        until("reachability", lambda: bob.json("status")["reachability"] == "public")
        addresses = bob.json("swarm", "addresses")
        self.assertEqual(addresses["addresses"][0]["reachability"], "public")
        self.assertIn("public: others reach this node", bob.good("swarm", "addresses"))
        wrong = self.make("wrong")
        wrong.good("init")
        config = pathlib.Path(wrong.home, "config.toml")
        config.write_text('private_network = "nowhere.key"\n')
        self.assertIn("vivim swarm key", wrong.bad(2, "run"))
        config.write_text(setting + "\n")
        self.assertIn("QUIC", wrong.bad(2, "run", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"))

    def test_numbers_for_prometheus(self):
        self.vivim.start()
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(self.vivim.announced["http"] + "metrics", timeout=PATIENCE_S)
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()
        text = self.vivim.text("/metrics")
        self.assertRegex(text, r"(?m)^# TYPE libp2p_connections_opened_total counter$")
        self.assertRegex(text, r'(?m)^vivim_build_info\{version="[0-9.]+"\} 1$')
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? \d+)$')

    def test_sharing_through_a_relay(self):
        relay, friend = self.make("relay"), self.make("friend")
        relay.good("init")
        (pathlib.Path(relay.home) / "config.toml").write_text("relay_server = true\n")
        relay.start()
        self.vivim.good("init")
        (pathlib.Path(self.vivim.home) / "config.toml").write_text(
            f'listen = []\nrelays = ["{relay.announced["listen"][0]}"]\n')
        self.vivim.start(listen=())
        listens = until("a reservation", lambda: self.vivim.json("status")["listen"])
        self.assertIn("/p2p-circuit/", listens[0])
        id = self.imported()
        friend.start()
        self.assertEqual(friend.json("join", self.vivim.json("share", id)["ticket"])["state"], "synced")
        self.assertIn("relayed", friend.good("peers", "--verbose"))

    def test_measuring_the_speed(self):
        self.vivim.start("--perf")
        friend = self.make("friend")
        friend.start()
        address = self.vivim.announced["listen"][0]
        measured = friend.json("perf", address, "--upload", "1MB", "--download", "2MB")
        self.assertEqual((measured["upload_bytes"], measured["download_bytes"]), (1 << 20, 2 << 20))
        self.assertRegex(friend.good("perf", self.vivim.announced["peer_id"]), r"\d [kMG]B/s")

    # what people and scripts see

    def test_help_version_and_mistakes(self):
        self.assertIn("vivim 0.", self.vivim.good("version"))
        self.assertIn("version", self.vivim.json("version"))
        commands = ("run init id status stop connect disconnect peers swarm dht topic message ping perf import ls show search export rm new "
                    "rename share join unshare sim devnet doctor version").split()
        text = self.vivim.good("--help")
        for command in commands:
            self.assertIn(command, text)
            self.assertIn("Examples:\n  ", self.vivim.good(command, "--help"))
            self.assertIn("--json", self.vivim.good("help", command))
        self.vivim.bad(2, "explode")
        error = self.vivim.run("show", "abc", "--json")
        self.assertEqual(json.loads(error.stdout)["error"]["code"], "no_such_home")

    def test_a_development_network(self):
        vivim, where = self.vivim, ["--dir", str(self.folder / "net")]
        self.addCleanup(lambda: vivim.run("devnet", "down", *where))
        vivim.bad(3, "devnet", "status", *where)
        up = vivim.json("devnet", "up", "--nodes", "3", *where)["nodes"]
        self.assertEqual([node["name"] for node in up], ["1-bootstrap", "2-relay", "3-pds"])
        self.assertTrue(all(node["running"] and node["http"] and "/p2p/" in node["address"] for node in up))
        self.assertEqual(vivim.json("devnet", "up", "--nodes", "3", *where)["nodes"][2]["address"], up[2]["address"])
        deadline = time.monotonic() + PATIENCE_S
        while any(node["peers"] == 0 for node in vivim.json("devnet", "status", *where)["nodes"]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        # One is killed, and what it left behind misleads nobody, even if its number is another process's now.
        home = pathlib.Path(up[1]["home"])
        left = json.loads((home / "node.json").read_text())
        os.kill(left["pid"], signal.SIGKILL)
        while vivim.json("devnet", "status", *where)["nodes"][1]["running"]:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        left["pid"] = os.getpid()
        (home / "node.json").write_text(json.dumps(left))
        again = vivim.json("devnet", "up", "--nodes", "4", *where)["nodes"]
        self.assertEqual([node["running"] for node in again], [True] * 4)
        self.assertEqual(again[1]["address"], up[1]["address"])
        self.assertIn("bootstrap", (pathlib.Path(again[3]["home"]) / "config.toml").read_text())
        self.assertIn("2-relay", vivim.good("devnet", "logs", "relay", *where))
        vivim.bad(3, "devnet", "logs", "nobody", *where)
        self.assertEqual(vivim.json("devnet", "down", *where)["stopped"], 4)
        self.assertFalse(any(node["running"] for node in vivim.json("devnet", "status", *where)["nodes"]))
        self.assertEqual(vivim.json("devnet", "down", "--purge", *where), {"stopped": 0, "purged": True})
        vivim.bad(3, "devnet", "status", *where)

    def test_roles_of_a_development_network(self):
        vivim, where = self.vivim, ["--dir", str(self.folder / "roles")]
        self.addCleanup(lambda: vivim.run("devnet", "down", *where))
        up = {node["role"]: node for node in vivim.json("devnet", "up", "--nodes", "6", *where)["nodes"]}
        shown = vivim.good("devnet", "status", *where)
        for node in up.values():
            self.assertIn(node["http"], shown)
            self.assertIn(node["does"], shown)
        # The client listens nowhere: it is reached through the relay.
        relay_id = up["relay"]["address"].split("/p2p/")[1]
        def circuits():
            nodes = vivim.json("devnet", "status", *where)["nodes"]
            return [at for at in nodes[5]["addresses"] if f"/p2p/{relay_id}/p2p-circuit" in at]
        until("the reservation", circuits)
        self.assertTrue(all("/p2p-circuit" in at
                            for at in vivim.json("devnet", "status", *where)["nodes"][5]["addresses"]))
        at = ["--home", up["pds"]["home"]]
        for role in ("bootstrap", "relay", "indexer", "edge"):
            vivim.good("connect", up[role]["address"], *at)
        vivim.good("connect", circuits()[0], *at)
        client_id = circuits()[0].split("/p2p/")[-1]
        def speaks(role):
            peer = client_id if role == "client" else up[role]["address"].split("/p2p/")[1]
            peers = vivim.json("peers", *at)["peers"]
            return {protocol for each in peers if each["id"] == peer for protocol in each["protocols"]}
        until("identify", lambda: all(speaks(role) for role in up if role != "pds"))
        duties = {"rendezvous": "/rendezvous/1.0.0", "relay": "/libp2p/circuit/relay/0.2.0/hop",
                  "mailbox": "/vivim/mailbox/1.0.0", "dht": "/vivim/kad/1.0.0", "speed": "/perf/1.0.0"}
        does = {role: {duty for duty, protocol in duties.items() if protocol in speaks(role)}
                for role in up if role != "pds"}
        self.assertEqual(does, {"bootstrap": {"rendezvous", "dht"}, "relay": {"relay", "mailbox", "dht"},
                                "indexer": {"dht"}, "edge": {"dht", "speed"}, "client": set()})
        # The indexer hears where the others are.
        home = pathlib.Path(up["indexer"]["home"])
        indexer = Vivim(home)
        indexer.announced = up["indexer"]
        until("the instances", lambda: [m for m in indexer.request(
            "GET", "/api/v2/topics/messages?topic=/vivim/instances")["messages"] if m["author"] == client_id])
        # Somebody writes to the client, by its id alone.
        sent = vivim.json("message", "send", client_id, "Hello", *at)
        self.assertIn("id", sent)
        until("the message", lambda: [m for m in vivim.json("message", "list", "--home", up["client"]["home"])["received"]
                                      if m["id"] == sent["id"]])

    def test_a_simulated_network(self):
        vivim, plots, report = self.vivim, self.folder / "plots", self.folder / "report.json"
        self.assertIn("documents", [each["name"] for each in vivim.json("sim", "list")])
        words = ["sim", "run", "streams", "--nodes", "20", "--seconds", "2", "--seed", "3"]
        mine = self.folder / "mine.toml"
        mine.write_text('about = "mine"\nkind = "streams"\nnodes = 8\nseconds = 1\n'
                        '[[expect]]\nmetric = "echo count ms"\nat_most = 1\n')
        done = vivim.run("sim", "run", str(mine), "--report", str(report), "--plots", str(plots))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("FAILED: echo count ms is ", done.stdout)
        again = next(line for line in done.stdout.splitlines() if "Again: vivim " in line).split("vivim ", 1)[1].split()
        self.assertEqual(again[:3], ["sim", "run", str(mine)])
        self.assertIn(json.loads(report.read_text())["trace"], vivim.run(*again).stdout)
        self.assertTrue((plots / "mine-echo-ms.svg").read_text().startswith("<svg"))
        first, second = vivim.run(*words, "--json"), vivim.run(*words, "--twice", "--json")
        self.assertEqual(json.loads(first.stdout)["trace"], json.loads(second.stdout)["trace"])
        traces = [self.folder / name for name in ("a", "b")]
        for trace in traces:
            vivim.run(*words, "--trace", str(trace))
        self.assertEqual(traces[0].read_bytes(), traces[1].read_bytes())
        self.assertGreater(traces[0].stat().st_size, 10000)
        vivim.bad(3, "sim", "run", "nobody")
        vivim.bad(2, "sim", "run", "streams", "--faults", "x")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        self.assertNotEqual(done.returncode, 0)

    def test_colour_only_for_a_terminal_that_wants_it(self):
        self.imported()
        self.assertNotIn("\x1b", self.vivim.good("ls"))
        for no_colour, expected in (("", True), ("1", False)):
            main, other = os.openpty()
            environment = {**self.vivim.environment(), "NO_COLOR": no_colour, "TERM": "xterm"}
            subprocess.run([PROGRAM, "ls"], env=environment, stdout=other, timeout=PATIENCE_S, check=True)
            os.close(other)
            self.assertEqual(b"\x1b[" in os.read(main, 65536), expected)
            os.close(main)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
