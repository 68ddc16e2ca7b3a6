# pyarrow makes these functions when it is loaded, out of sight of a type checker.
from typing import Any

def __getattr__(name: str) -> Any: ...
