metadata = {"title": "Ticker"}
