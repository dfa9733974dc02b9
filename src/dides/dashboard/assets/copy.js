// Buttons that copy the text of another element: data-copy names it.
const SHOWN_MS = 2_000;

export function offerCopies(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    tell(button, (await copied(source)) ? "Copied" : "Selected: press Ctrl+C");
  });
}

// Browsers offer the clipboard only to pages that come over https or from this machine.
async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

function tell(button, text) {
  const before = button.innerHTML;
  if (button.dataset.copied) return;
  button.dataset.copied = "yes";
  button.textContent = text;
  const heard = document.querySelector("[data-copied]");
  if (heard) heard.textContent = text;
  setTimeout(() => {
    button.innerHTML = before;
    if (heard) heard.textContent = "";
    delete button.dataset.copied;
  }, SHOWN_MS);
}
