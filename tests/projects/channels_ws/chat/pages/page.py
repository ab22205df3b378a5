metadata = {"title": "Chat"}
