// What a page cannot ask of the server: shortcuts, and a file that a person picks.
// Nothing is kept here; all that is shown comes from the server's state.

const SHORTCUTS = { N: "review-next", P: "review-previous", A: "review-accept", F: "review-flag" };
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

function usable(id) {
  const element = document.getElementById(id);
  return element && element.getAttribute("aria-disabled") !== "true" ? element : null;
}

document.addEventListener("keydown", (event) => {
  if (!event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const inDialog = document.querySelector(".v-dialog.v-overlay--active");
  if (inDialog || (event.target instanceof Element && event.target.closest(TYPING))) return;
  const button = usable(SHORTCUTS[event.key.toUpperCase()]);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element && event.target.closest("#upload-button");
  if (pressed && usable("upload-button")) document.getElementById("upload-file").click();
});

document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.id !== "upload-file" || !input.files.length) return;
  upload(Array.from(input.files));
  input.value = "";
});

// The region in front is kept in sight inside its table; the column stays where the person has it.
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const frame = target.getAttribute("aria-current") === "true" && target.closest(".v-table__wrapper");
    if (!frame) continue;
    const head = frame.querySelector("thead")?.offsetHeight ?? 0;
    const top = target.offsetTop - head;
    const bottom = target.offsetTop + target.offsetHeight;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (bottom > frame.scrollTop + frame.clientHeight) frame.scrollTop = bottom - frame.clientHeight;
  }
}).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["aria-current"] });

function tell(name, fraction, problem) {
  window.trame.state.set("upload", name === null ? null : { name, fraction, problem });
}

function upload(files) {
  const name = files.length === 1 ? files[0].name : `${files.length} files`;
  const request = new XMLHttpRequest();
  const form = new FormData();
  let told = 0;
  for (const file of files) form.append("file", file, file.name);
  request.upload.addEventListener("progress", (event) => {
    const now = Date.now();
    if (!event.lengthComputable || now - told < 200) return;
    told = now;
    tell(name, event.loaded / event.total, "");
  });
  request.addEventListener("load", () => {
    let answer = null;
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      answer = { error: `The server refused the file (${request.status}): load the page again.` };
    }
    if (answer.error) tell(name, null, answer.error);
    else tell(null);
  });
  request.addEventListener("error", () => tell(name, null, "The connection to the server broke off: open the file again."));
  tell(name, 0, "");
  request.open("POST", "/upload");
  request.send(form);
}
