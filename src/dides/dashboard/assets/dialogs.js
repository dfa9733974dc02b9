// Questions are parts of pages that htmx puts into the one dialog; it is shown once it has content.
export function openDialogs() {
  const dialog = document.getElementById("dialog");
  dialog.addEventListener("htmx:afterSwap", () => {
    if (!dialog.open && dialog.childElementCount) dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());
}
