"""Paint whole pixels into an OpenGL window: rectangles and images, nothing in between.

A stimulus of PsychoPy's own would keep a copy of every image and go through shaders, units and
interpolation. Here each image becomes a texture when it is loaded, and drawing copies it to the
back buffer texel by texel: exact by OpenGL's rules, for odd sizes too, and nothing is uploaded
while frames are due. Deleting the texture gives its memory back.
"""

from __future__ import annotations

import ctypes
from typing import Any

from signseg_rig.display.layout import Rect, Rgb
from signseg_rig.errors import DisplayError
from signseg_rig.values import ImageArray


class GlCanvas:
    """The back buffer of the window whose OpenGL context is current.

    Parameters
    ----------
    gl : module
        `pyglet.gl`.
    size_px : (width, height)
    """

    def __init__(self, gl: Any, size_px: tuple[int, int]) -> None:
        self._gl = gl
        self._width_px, self._height_px = size_px
        # Dithering would be free to alter values by one.
        gl.glDisable(gl.GL_DITHER)
        frame_buffer = gl.GLuint()
        gl.glGenFramebuffers(1, ctypes.byref(frame_buffer))
        self._source = frame_buffer

    @property
    def is_software_rendered(self) -> bool:
        """Whether the processor draws instead of a graphics card."""
        renderer = self._gl.gl_info.get_renderer().lower()
        return any(
            name in renderer
            for name in ("llvmpipe", "softpipe", "swrast", "gdi generic", "microsoft basic render")
        )

    def upload(self, pixels: ImageArray) -> Any:
        """Keep an image on the graphics card.

        Parameters
        ----------
        pixels : (height, width, 3) uint8 array, C-contiguous

        Returns
        -------
        texture : GLuint
        """
        gl = self._gl
        height, width, _ = pixels.shape
        texture = gl.GLuint()
        gl.glGenTextures(1, ctypes.byref(texture))
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
        # Without mipmaps a texture is complete only with a filter that needs none.
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MIN_FILTER, gl.GL_NEAREST)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MAG_FILTER, gl.GL_NEAREST)
        # Rows are not padded, whatever their length.
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 1)
        gl.glTexImage2D(
            gl.GL_TEXTURE_2D, 0, gl.GL_RGBA8, width, height, 0,
            gl.GL_RGB, gl.GL_UNSIGNED_BYTE, pixels.ctypes.data,
        )  # fmt: skip
        gl.glBindTexture(gl.GL_TEXTURE_2D, 0)
        if error := gl.glGetError():
            self.discard(texture)
            raise DisplayError(
                f"The graphics card does not take an image of {width} x {height} px (OpenGL "
                f"error {error:#x}). Show smaller images, or fewer in one block."
            )
        return texture

    def discard(self, texture: Any) -> None:
        """Give an image's memory back."""
        self._gl.glDeleteTextures(1, ctypes.byref(texture))

    def fill(self, rect: Rect, color_rgb: Rgb) -> None:
        """Paint a rectangle."""
        gl = self._gl
        gl.glEnable(gl.GL_SCISSOR_TEST)
        # OpenGL counts rows from the bottom.
        gl.glScissor(rect.left, self._height_px - rect.top - rect.height, rect.width, rect.height)
        gl.glClearColor(*(value / 255 for value in color_rgb), 1.0)
        gl.glClear(gl.GL_COLOR_BUFFER_BIT)

    def fill_all(self, color_rgb: Rgb) -> None:
        """Paint everything."""
        self.fill(Rect(0, 0, self._width_px, self._height_px), color_rgb)

    def blit(self, texture: Any, rect: Rect) -> None:
        """Copy an image, each texel to one pixel.

        Parameters
        ----------
        texture : GLuint
            As `upload` gave it.
        rect : Rect
            Of the image's own size.
        """
        gl = self._gl
        gl.glDisable(gl.GL_SCISSOR_TEST)
        gl.glBindFramebuffer(gl.GL_READ_FRAMEBUFFER, self._source)
        gl.glFramebufferTexture2D(
            gl.GL_READ_FRAMEBUFFER, gl.GL_COLOR_ATTACHMENT0, gl.GL_TEXTURE_2D, texture, 0
        )
        # The image's first row goes to the top, where OpenGL counts highest.
        left, right = rect.left, rect.left + rect.width
        top, bottom = self._height_px - rect.top, self._height_px - rect.top - rect.height
        gl.glBlitFramebuffer(
            0, 0, rect.width, rect.height, left, top, right, bottom,
            gl.GL_COLOR_BUFFER_BIT, gl.GL_NEAREST,
        )  # fmt: skip
        gl.glBindFramebuffer(gl.GL_READ_FRAMEBUFFER, 0)
