const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = new WebSocket(`${scheme}://${location.host}/ws/echo/`);
const form = document.getElementById("say");

socket.addEventListener("message", (event) => {
  const line = document.createElement("li");
  line.textContent = event.data;
  document.getElementById("said").append(line);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) socket.send(form.elements.text.value);
  form.reset();
});
