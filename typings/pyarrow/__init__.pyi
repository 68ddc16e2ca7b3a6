# pyarrow is compiled and brings no types of its own; what it hands out is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
