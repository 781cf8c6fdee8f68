"""What the servers of language-model streams share: how an answer is made up, paced, refused and broken.

A wire form is a subclass of `form.Form` with a path, the bodies that it takes, and the events that it makes of an
answer; `app.make_app` puts a server of it together. `../chat` is one.
"""
