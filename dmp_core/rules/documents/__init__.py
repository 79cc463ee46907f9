"""The rules of documents: what a DocumentReference must say, who sees a document, what a search asks for. Pure."""
