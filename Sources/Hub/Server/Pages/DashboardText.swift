/// The dashboard's page and how it looks. No build step, no framework, nothing from elsewhere.
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
        <noscript><p>The dashboard asks the hub by script; <code>hub status</code> tells the same.</p></noscript>
        <form id="door" hidden>
        <label for="key">Key</label>
        <input id="key" type="password" autocomplete="off" required placeholder="nave_…">
        <button>Open</button>
        <p>The key of the first start is in <code>admin.key</code> of the hub's data directory.
        It stays in this tab.</p>
        </form>
        <main id="board" hidden>
        <ul id="counts" aria-label="At a glance"></ul>
        <section aria-labelledby="h-attention">
        <h2 id="h-attention">Needs a look</h2><table id="attention"></table></section>
        <section aria-labelledby="h-running"><h2 id="h-running">Running</h2><table id="running"></table></section>
        <section aria-labelledby="h-ended"><h2 id="h-ended">Ended lately</h2><table id="ended"></table></section>
        <section aria-labelledby="h-spokes"><h2 id="h-spokes">Spokes</h2><table id="spokes"></table></section>
        </main>
        <dialog id="reader" aria-labelledby="readerTitle">
        <header><h2 id="readerTitle"></h2><button id="close">Close</button></header>
        <p id="readerFacts"></p><pre id="output" tabindex="0"></pre>
        </dialog>
        </body>
        </html>
        """

    static let style = """
        :root {
          color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif;
          --ink: #1d2126; --soft: #5b6570; --line: #d9dee3; --ground: #fff; --raised: #f5f7f9;
          --good: #1a7a35; --bad: #b3261e; --wait: #8a5a00; --link: #1a5fb4;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ink: #e6e9ec; --soft: #a0aab4; --line: #343b42; --ground: #15181b; --raised: #1e2226;
            --good: #63c97e; --bad: #ff8a80; --wait: #f0b849; --link: #83b7f7;
          }
        }
        body { margin: 0 auto; max-width: 76rem; padding: 1rem 1.25rem 4rem; }
        html { color: var(--ink); background: var(--ground); }
        header { display: flex; gap: 1rem; align-items: baseline; }
        header p { flex: 1; color: var(--soft); margin: 0; } header h2 { flex: 1; }
        #state.bad { color: var(--bad); font-weight: 600; }
        h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
        #counts { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; margin: 1.2rem 0 0; list-style: none; }
        #counts li { background: var(--raised); border: 1px solid var(--line); }
        #counts li { border-radius: .5rem; padding: .5rem .9rem; }
        #counts b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
        section { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: .35rem .8rem .35rem 0; vertical-align: top; }
        th, td { border-bottom: 1px solid var(--line); }
        thead th { font-weight: 600; font-size: .87rem; color: var(--soft); white-space: nowrap; }
        td.empty, .soft { color: var(--soft); }
        td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
        code { font: .87em ui-monospace, monospace; overflow-wrap: anywhere; }
        .good { color: var(--good); } .bad { color: var(--bad); } .wait { color: var(--wait); }
        .state { font-weight: 600; white-space: nowrap; } .state .soft { font-weight: 400; white-space: normal; }
        button { font: inherit; color: inherit; }
        button.link { background: none; border: 0; padding: 0; color: var(--link); cursor: pointer; text-align: left; }
        button.link:hover { text-decoration: underline; }
        :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
        dialog { width: min(70rem, 92vw); color: inherit; background: var(--ground); border: 1px solid var(--line); }
        dialog h2 { margin: 0; } dialog::backdrop { background: #0008; }
        pre { background: var(--raised); padding: .8rem; overflow: auto; max-height: 65vh; white-space: pre-wrap; }
        meter { width: 5rem; }
        """
}
