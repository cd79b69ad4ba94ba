from typing import final

@final
class Pace:
    @property
    def is_live(self) -> bool: ...
    def see(self, waited_s: float, delivered_s: float) -> bool: ...
