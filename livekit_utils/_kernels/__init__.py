"""The compiled room: each module is the Cython side of the C kernel of the same name in csrc/.

They validate, borrow, call and release; they hold no policy and are no public interface.
"""
