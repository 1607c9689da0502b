extension DashboardText {
    /// Asks `coord.status` and `spoke.list` every two seconds while the page is seen, and shows what a team lead wants
    /// to know first: what is stuck and why, what failed, who runs what.
    static let script = asking + showing + reading + opening

    private static let asking = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        const quietMinutes = 10, failedHours = 24, endedShown = 25, readBytes = 4 << 20;
        let key = sessionStorage.getItem("nave.key");
        let timer = 0;

        function post(path, input) {
          return fetch(path, {
            method: "POST",
            headers: { "Authorization": "Bearer " + key, "Content-Type": "application/json" },
            body: JSON.stringify(input)
          });
        }

        async function call(operation, input) {
          const answer = await (await post("/v1/call/" + operation, input)).json();
          if (answer.error) throw answer.error;
          return answer.data;
        }

        function make(tag, content, kind) {
          const node = document.createElement(tag);
          for (const part of [content].flat()) node.append(part ?? "");
          if (kind) node.className = kind;
          return node;
        }
        const cell = (content, kind) => make("td", content, kind);

        function span(milliseconds) {
          const seconds = Math.max(0, Math.round(milliseconds / 1000));
          if (seconds < 90) return seconds + " s";
          if (seconds < 5400) return Math.round(seconds / 60) + " min";
          return seconds < 172800 ? Math.round(seconds / 3600) + " h" : Math.round(seconds / 86400) + " days";
        }
        const since = time => Date.now() - new Date(time);
        const ago = time => time ? span(since(time)) + " ago" : "";

        function size(bytes) {
          if (bytes < 1000) return bytes + " B";
          for (const unit of ["kB", "MB", "GB"]) if ((bytes /= 1000) < 1000) return bytes.toFixed(1) + " " + unit;
          return Math.round(bytes) + " TB";
        }


        """#

    private static let showing = #"""
        function fill(table, heads, rows, empty) {
          const focused = document.activeElement?.dataset?.session;
          const head = make("tr", heads.map(text => { const th = make("th", text); th.scope = "col"; return th; }));
          if (!rows.length) {
            const td = cell(empty, "empty");
            td.colSpan = heads.length;
            rows = [[td]];
          }
          $(table).replaceChildren(make("thead", head), make("tbody", rows.map(cells => make("tr", cells))));
          if (focused) $(table).querySelector(`[data-session="${CSS.escape(focused)}"]`)?.focus();
        }

        function name(one) {
          const button = make("button", one.session.title || one.session.slug || one.session.id, "link");
          button.dataset.session = one.session.id;
          button.addEventListener("click", () => read(one).catch(fail));
          return button;
        }

        function work(one) {
          const run = one.session.run || {};
          const text = run.command ? run.command.join(" ") : run.agent ? run.agent + ": " + (run.prompt || "") : "";
          return make("code", text.length > 80 ? text.slice(0, 79) + "…" : text);
        }

        /* Why a session waits: each reason once, with the spokes that it rules out. */
        function reasons(waitingFor) {
          if (!waitingFor.length) return "No spoke has joined yet.";
          const spokes = {};
          for (const one of waitingFor) (spokes[one.message] ??= []).push(one.name);
          return Object.entries(spokes).map(([message, names]) =>
            make("div", [message + " ", make("span", "(" + names.join(", ") + ")", "soft")]));
        }

        function trouble(one) {
          if (one.mapping.status === "failed" && since(one.mapping.updatedAt) < failedHours * 3600e3) {
            const code = one.session.exitCode;
            return { kind: "bad", state: "✕ failed", since: one.session.endedAt || one.mapping.updatedAt,
              why: (one.session.exitReason && one.session.exitReason !== "exited" ? one.session.exitReason + " " : "")
                + (code === undefined ? "" : "exit code " + code) };
          }
          if (one.mapping.status !== "active") return null;
          if (one.waitingFor) {
            return { kind: "wait", state: "◷ waiting", since: one.session.createdAt, why: reasons(one.waitingFor) };
          }
          if (one.spoke && one.spoke.status !== "connected") {
            return { kind: "bad", state: "⚠ out of sight", since: one.session.lastActivityAt,
              why: one.spoke.name + " is disconnected; the work goes on there, its journal comes later." };
          }
          if (one.detections?.length) {
            return { kind: "bad", state: "⚠ suspicious", since: one.session.lastActivityAt,
              why: one.detections.map(found => found.message || found.type || JSON.stringify(found)).join(" ") };
          }
          const heard = one.output?.lastAt || one.session.startedAt || one.session.createdAt;
          if (since(heard) > quietMinutes * 60e3) {
            return { kind: "wait", state: "… quiet", since: heard, why: "No output since then; it may be stuck." };
          }
          return null;
        }

        function outcome(one) {
          const looks = { completed: ["good", "✓ "], failed: ["bad", "✕ "] };
          const [kind, sign] = looks[one.mapping.status] || ["soft", "■ "];
          return cell(sign + one.mapping.status, kind + " state");
        }

        function share(spoke, part) {
          const value = spoke.load?.[part];
          if (typeof value !== "number" || spoke.status !== "connected") return "";
          const meter = make("meter", Math.round(value * 100) + " %");
          [meter.min, meter.max, meter.high, meter.optimum, meter.value] = [0, 1, .9, 0, Math.min(value, 1)];
          meter.title = meter.ariaLabel = part + " " + Math.round(value * 100) + " %";
          return meter;
        }

        function count(number, text, kind) {
          return make("li", [make("b", String(number), number ? kind : ""), text]);
        }

        async function refresh() {
          const [status, fleet] = await Promise.all([call("coord.status", { limit: 500 }), call("spoke.list", {})]);
          const all = status.mappings, active = all.filter(one => one.mapping.status === "active");
          const running = active.filter(one => !one.waitingFor);
          const ended = all.filter(one => one.mapping.status !== "active");
          const troubles = all.map(one => [one, trouble(one)]).filter(([, found]) => found);
          const failed = troubles.filter(([one]) => one.mapping.status === "failed");
          const here = fleet.spokes.filter(spoke => spoke.status === "connected");
          $("counts").replaceChildren(
            count(running.length, "running"), count(active.length - running.length, "waiting", "wait"),
            count(failed.length, "failed within a day", "bad"),
            count(here.length + " of " + fleet.spokes.length, "spokes connected",
              here.length < fleet.spokes.length ? "bad" : ""));
          fill("attention", ["Session", "State", "Why", "Since", "Spoke", "Work"], troubles.map(([one, found]) => [
            cell(name(one)), cell(found.state, found.kind + " state"), cell(found.why),
            cell(ago(found.since), "number"), cell(one.spoke?.name), cell(work(one))
          ]), "Nothing: all that runs talks, nothing waits, nothing failed.");
          fill("running", ["Session", "Spoke", "Branch", "Work", "For", "Output", "Last output"], running.map(one => [
            cell(name(one)), cell(one.spoke?.name), cell(one.workspace?.branch), cell(work(one)),
            cell(one.session.startedAt ? span(since(one.session.startedAt)) : "starting", "number"),
            cell(size(one.output?.bytes ?? 0), "number"), cell(ago(one.output?.lastAt), "number")
          ]), "Nothing runs. hub spawn starts a session.");
          fill("ended", ["Session", "Outcome", "Exit code", "Spoke", "Branch", "Took", "Ended"],
            ended.slice(0, endedShown).map(one => [
              cell(name(one)), outcome(one), cell(one.session.exitCode ?? ""), cell(one.spoke?.name),
              cell(one.workspace?.branch),
              cell(one.session.startedAt && one.session.endedAt
                ? span(new Date(one.session.endedAt) - new Date(one.session.startedAt)) : "", "number"),
              cell(ago(one.session.endedAt || one.mapping.updatedAt), "number")
            ]), "Nothing has ended yet.");
          fill("spokes", ["Spoke", "State", "Sessions", "CPU", "Memory", "Disk", "Labels", "Last heartbeat"],
            fleet.spokes.map(spoke => [
              cell(spoke.name), presence(spoke), cell(spoke.busy + " of " + spoke.slots, "number"),
              ...["cpu", "memory", "disk"].map(part => cell(share(spoke, part))),
              cell(Object.entries(spoke.labels || {}).map(([name, value]) => name + "=" + value).join(" ")),
              cell(ago(spoke.lastHeartbeat), "number")
            ]), "No spoke yet. hub token create, then spoke join on a machine.");
          $("state").className = "";
          $("state").textContent = "As of " + new Date().toLocaleTimeString()
            + (status.nextCursor ? ", the newest 500 sessions" : "");
        }

        function presence(spoke) {
          if (spoke.status !== "connected") {
            const td = cell("✕ away for " + span(since(spoke.disconnectedAt || spoke.updatedAt)), "bad state");
            if (spoke.disconnectReason) td.append(make("div", spoke.disconnectReason, "soft"));
            return td;
          }
          if (spoke.draining) return cell("◷ draining", "wait state");
          if (spoke.pausedReason) return cell("◷ " + spoke.pausedReason, "wait state");
          return cell("✓ connected", "good state");
        }


        """#

    private static let reading = #"""
        /* The end of what a session printed, stdout and stderr as they came. */
        async function read(one) {
          const session = one.session;
          $("readerTitle").textContent = session.title || session.slug || session.id;
          const from = Math.max(0, (one.output?.bytes ?? 0) - readBytes);
          $("readerFacts").replaceChildren(from ? "The end of it. All: " : "", make("code", "hub logs " + session.id));
          $("output").textContent = "";
          if (!$("reader").open) $("reader").showModal();
          const text = await (await post("/v1/subscribe/session.output",
            { sessionId: session.id, stream: "all", follow: false, fromOffset: from })).text();
          const decoder = new TextDecoder();
          let shown = "";
          for (const block of text.split("\n\n")) {
            const lines = block.split("\n"), data = lines.find(line => line.startsWith("data: "));
            if (!data) continue;
            const value = JSON.parse(data.slice(6));
            if (value.error || value.code) { shown += "\n" + (value.error || value).message; continue; }
            const bytes = value.data?.bytes;
            if (!bytes) continue;
            shown += decoder.decode(Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0)), { stream: true });
          }
          $("output").textContent = shown || "It has printed nothing.";
          $("output").scrollTop = $("output").scrollHeight;
        }


        """#

    private static let opening = #"""
        function fail(error) {
          $("state").className = "bad";
          $("state").textContent = error.message || String(error);
          if (error.code === "UNAUTHENTICATED") leave();
        }

        function leave() {
          sessionStorage.removeItem("nave.key");
          key = null;
          show();
        }

        function show() {
          $("door").hidden = !!key;
          $("board").hidden = $("leave").hidden = !key;
          clearInterval(timer);
          if (!key) return $("key").focus();
          const tick = () => { if (!document.hidden) refresh().catch(fail); };
          tick();
          timer = setInterval(tick, 2000);
        }

        $("door").addEventListener("submit", event => {
          event.preventDefault();
          key = $("key").value.trim();
          $("key").value = "";
          sessionStorage.setItem("nave.key", key);
          show();
        });
        $("leave").addEventListener("click", leave);
        $("close").addEventListener("click", () => $("reader").close());
        show();

        """#
}
