"""The compiled room: its modules hand the memory of Python objects to the C kernels in csrc/.

They validate, borrow, call and release. They hold no policy, know no frame, and are no public interface, except
RingBuffer.
"""
