// An instance in the dialog: the part of a page that the fleet shows beside its map, with a title and a way out.
export function showInstance(name) {
  const body = document.createElement("div");
  document.getElementById("dialog").replaceChildren(title(name), body, actions(name));
  window.htmx.ajax("GET", `/ui/instances/${encodeURIComponent(name)}`, { target: body, swap: "innerHTML" });
}

function title(name) {
  const heading = document.createElement("h2");
  heading.id = "dialog-title";
  heading.textContent = name;
  return heading;
}

function actions(name) {
  const row = document.createElement("div");
  row.className = "actions";
  const close = document.createElement("button");
  close.type = "button";
  close.dataset.close = "";
  close.autofocus = true;
  close.textContent = "Close";
  const link = document.createElement("a");
  link.className = "button";
  link.href = `/?instance=${encodeURIComponent(name)}`;
  link.textContent = "Show it in the fleet";
  row.append(close, link);
  return row;
}
