/// The dashboard's three files. No build step, no framework, nothing from elsewhere.
enum DashboardText {
    static let page = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Nave</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="/dashboard.css">
        <script src="/dashboard.js" defer></script>
        </head>
        <body>
        <header><h1>Nave</h1><p id="state" role="status"></p><button id="leave" hidden>Forget the key</button></header>
        <form id="door" hidden>
        <label>Key <input id="key" type="password" autocomplete="off" required placeholder="nave_…"></label>
        <button>Open</button>
        <p>The key of the first start is in <code>admin.key</code> of the hub's data directory.</p>
        </form>
        <main id="board" hidden>
        <section><h2>Sessions</h2><table id="sessions"></table></section>
        <section><h2>Waiting</h2><table id="waiting"></table></section>
        <section><h2>Spokes</h2><table id="spokes"></table></section>
        <section id="reader" hidden><h2 id="readerTitle"></h2><pre id="output"></pre></section>
        </main>
        </body>
        </html>
        """

    static let style = """
        :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
        body { margin: 0 auto; max-width: 72rem; padding: 1rem; }
        header { display: flex; gap: 1rem; align-items: baseline; }
        header p { flex: 1; opacity: .7; }
        h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
        th { font-weight: 600; opacity: .7; }
        td.empty { opacity: .6; }
        .connected, .completed { color: #2a8a3e; } .disconnected, .failed, .aborted { color: #c0392b; }
        .active { color: #2470c2; }
        pre { background: #8882; padding: .8rem; overflow: auto; max-height: 28rem; }
        button.link { background: none; border: 0; padding: 0; color: #2470c2; cursor: pointer; font: inherit; }
        """

    static let script = """
        "use strict";
        const $ = id => document.getElementById(id);
        let key = sessionStorage.getItem("nave.key");
        let timer = 0;

        async function call(operation, input) {
          const response = await fetch("/v1/call/" + operation, {
            method: "POST",
            headers: { "Authorization": "Bearer " + key, "Content-Type": "application/json" },
            body: JSON.stringify(input || {})
          });
          const answer = await response.json();
          if (answer.error) throw answer.error;
          return answer.data;
        }

        function cell(content, kind) {
          const td = document.createElement("td");
          if (content instanceof Node) td.append(content); else td.textContent = content ?? "";
          if (kind) td.className = kind;
          return td;
        }

        function fill(table, heads, rows, empty) {
          const head = document.createElement("tr");
          for (const text of heads) {
            const th = document.createElement("th");
            th.textContent = text;
            head.append(th);
          }
          const body = rows.map(cells => {
            const tr = document.createElement("tr");
            tr.append(...cells);
            return tr;
          });
          if (!body.length) {
            const tr = document.createElement("tr");
            const td = cell(empty, "empty");
            td.colSpan = heads.length;
            tr.append(td);
            body.push(tr);
          }
          $(table).replaceChildren(head, ...body);
        }

        function ago(time) {
          if (!time) return "";
          const seconds = Math.max(0, Math.round((Date.now() - new Date(time)) / 1000));
          if (seconds < 90) return seconds + " s ago";
          if (seconds < 5400) return Math.round(seconds / 60) + " min ago";
          return Math.round(seconds / 3600) + " h ago";
        }

        function reader(session) {
          const button = document.createElement("button");
          button.className = "link";
          button.textContent = session.title || session.slug || session.id;
          button.addEventListener("click", () => read(session).catch(fail));
          return button;
        }

        async function read(session) {
          $("reader").hidden = false;
          $("readerTitle").textContent = session.title || session.id;
          $("output").textContent = "";
          const response = await fetch("/v1/subscribe/session.output", {
            method: "POST",
            headers: { "Authorization": "Bearer " + key, "Content-Type": "application/json" },
            body: JSON.stringify({ sessionId: session.id, stream: "all", follow: false })
          });
          const text = await response.text();
          const decoder = new TextDecoder();
          for (const block of text.split("\\n\\n")) {
            const lines = block.split("\\n");
            if (!lines.includes("event: data")) continue;
            const data = JSON.parse(lines.find(line => line.startsWith("data: ")).slice(6)).data;
            if (!data.bytes) continue;
            const bytes = Uint8Array.from(atob(data.bytes), character => character.charCodeAt(0));
            $("output").textContent += decoder.decode(bytes, { stream: true });
          }
        }

        async function refresh() {
          const [status, fleet] = await Promise.all([call("coord.status", {}), call("spoke.list", {})]);
          const mappings = status.mappings;
          fill("sessions", ["Session", "Status", "Spoke", "Branch", "Output", "Last output"],
            mappings.filter(one => !one.waitingFor).map(one => [
              cell(reader(one.session)), cell(one.mapping.status, one.mapping.status), cell(one.spoke?.name),
              cell(one.workspace?.branch), cell((one.output?.bytes ?? 0) + " B"), cell(ago(one.output?.lastAt))
            ]), "No session yet. hub spawn starts one.");
          fill("waiting", ["Session", "Waits for"],
            mappings.filter(one => one.waitingFor).map(one => [
              cell(reader(one.session)),
              cell(typeof one.waitingFor === "string" ? one.waitingFor : JSON.stringify(one.waitingFor))
            ]), "Nothing waits.");
          fill("spokes", ["Name", "Status", "Since", "Last heartbeat", "Slots", "Labels"],
            fleet.spokes.map(spoke => [
              cell(spoke.name), cell(spoke.status + (spoke.draining ? ", draining" : ""), spoke.status),
              cell(ago(spoke.status === "connected" ? spoke.connectedAt : spoke.disconnectedAt)),
              cell(ago(spoke.lastHeartbeat)), cell(spoke.slots),
              cell(Object.entries(spoke.labels || {}).map(([name, value]) => name + "=" + value).join(" "))
            ]), "No spoke yet. hub token create, then spoke join on a machine.");
          $("state").textContent = "As of " + new Date().toLocaleTimeString();
        }

        function fail(error) {
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
          if (!key) return;
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
        show();
        """
}
