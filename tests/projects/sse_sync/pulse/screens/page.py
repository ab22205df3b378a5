metadata = {"title": "Pulse"}
