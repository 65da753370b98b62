// Shows and hides a run wherever it is drawn.
document.addEventListener("click", (event) => {
  const button = event.target.closest(".swatch");
  if (!button) return;
  event.preventDefault();
  const shown = button.getAttribute("aria-pressed") !== "true";
  for (const own of document.querySelectorAll(`[data-run="${button.dataset.run}"]`)) {
    if (own.matches(".swatch")) own.setAttribute("aria-pressed", shown);
    else own.classList.toggle("off", !shown);
  }
});
