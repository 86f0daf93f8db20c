"""The page in the browser: a picture, what the network says of it, and what happened.

It listens on this computer alone. ``onebody live`` starts it; needs the extra ``viewer``.
"""

from onebody.viewer.limits import Limits
from onebody.viewer.serve import serve
from onebody.viewer.studio import Studio

__all__ = ["serve", "Studio", "Limits"]
