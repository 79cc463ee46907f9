// Saves a draft while the person goes on typing. Without this file the buttons of the form do all of it.
(() => {
  const WAIT_MS = 2000;
  const box = document.querySelector("[data-autosave]");
  const form = box?.querySelector("form");
  const status = box?.querySelector("[data-autosave-status]");
  if (!form || !status) return;
  let timer = 0;
  let sending = null;

  async function save() {
    const answer = await fetch(box.dataset.autosave, { method: "POST", body: new FormData(form) });
    if (!(answer.headers.get("Content-Type") || "").startsWith("application/json")) return;
    const told = await answer.json();
    if (told.version) form.elements.namedItem("version").value = told.version;
    if (told.said) status.textContent = told.said;
  }

  function start() {
    sending = save().catch(() => {}).finally(() => { sending = null; });
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => (sending ? sending.then(start) : start()), WAIT_MS);
  });

  // A draft on its way is waited for: the form must carry the version that it leaves.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!sending) return;
    event.preventDefault();
    sending.then(() => form.requestSubmit(event.submitter));
  });
})();
