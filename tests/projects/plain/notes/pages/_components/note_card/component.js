document.addEventListener("click", (event) => {
  const button = event.target.closest(".note-card-toggle");
  if (!button) return;
  const folded = button.closest(".note-card").classList.toggle("note-card-folded");
  button.textContent = folded ? "Show" : "Hide";
});
