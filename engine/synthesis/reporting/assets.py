"""Style and script of the report's page. The script reads the table that is there; it holds no data."""

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{margin-bottom:0}h2{margin-top:2.5rem;border-top:1px solid #d8dee6;padding-top:1rem}
small,.path,figcaption,output{color:#66727f}
table{border-collapse:collapse;margin:.7rem 0}th{text-align:left}td,th{padding:.2rem .8rem .2rem 0;vertical-align:top}
.narrow td:not(:first-child),.narrow th:not(:first-child){text-align:right;font-variant-numeric:tabular-nums}
.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:300px}figure.wide{width:100%;max-width:640px}
svg{width:100%;fill:#3b6ea8}svg text{font-size:11px;fill:#66727f}polyline{fill:none;stroke:#3b6ea8;stroke-width:2}
.threshold{stroke:#a33;stroke-width:2;stroke-dasharray:4 2}
form{position:sticky;top:0;background:#fff;padding:.5rem 0;display:flex;flex-wrap:wrap;gap:1rem}
#rows{font-size:13px;table-layout:fixed;width:100%}#rows thead th:first-child{width:8rem}
#rows thead th:last-child{width:18rem}
#rows td{overflow-wrap:anywhere;white-space:pre-wrap}#rows td div{max-height:14rem;overflow-y:auto}
#rows tbody th{border-top:1px solid #d8dee6;padding-top:.5rem;font-weight:normal;overflow-wrap:anywhere}
.dropped b,td:first-child{color:inherit}.dropped b,.dropped>td:first-child{color:#a33}.kept b{color:#2a7a45}"""

SCRIPT = """
const form = document.getElementById("filters"), rows = document.getElementById("rows").tBodies;
function filter() {
  const language = form.elements.language.value, verdict = form.elements.verdict.value;
  const text = form.elements.text.value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = (!language || row.dataset.language === language) && (!verdict || row.dataset.verdict === verdict)
      && (!text || row.textContent.toLowerCase().includes(text));
    row.hidden = !fits;
    shown += fits;
  }
  form.querySelector("output").textContent = shown + " of " + rows.length + " rows";
}
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
filter();
"""
