"""Stand-ins of the CTK widgets on the module's whitelist.

They behave as CTK's do where a module leans on it: names, signatures and order of signals, defaults, what is a slot. What CTK
has only as a plain C++ method (`setMinimum`, `setRange`, `setCollapsed`) has no `scripted` mark, so Python does not see it
here either. The drawing is Qt's own.
"""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from pythonqtMembers import scripted

Property = QtCore.Property


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A button with an area below it that folds: children are hidden while it is collapsed; checked means open."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, *arguments: object) -> None:
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        parent = arguments[-1] if arguments and not isinstance(arguments[-1], str) else None
        super().__init__(parent)
        self._collapsed = False
        self._collapsedHeight = 14
        self._flat = False
        self._lineWidth = 1
        self._openHeight = self.maximumHeight()
        self._forcing = False
        self._unwanted: set[QtCore.QObject] = set()  # children that were hidden for themselves
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._buttonHeight(), 0, 0)
        self.toggled.connect(self._onToggled)

    def _buttonHeight(self) -> int:
        return self.fontMetrics().height() + 8

    def _onToggled(self, checked: bool) -> None:
        if checked == self._collapsed:
            self._collapse(not checked)

    def _collapse(self, collapsed: bool) -> None:
        self._collapsed = collapsed
        if collapsed:
            self._openHeight = self.maximumHeight()
            self.setMaximumHeight(self._buttonHeight() + self._collapsedHeight)
        else:
            self.setMaximumHeight(self._openHeight)
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                self._force(child)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _force(self, child: QtWidgets.QWidget) -> None:
        """Show or hide a child as the button stands; what its owner wants of it is not forgotten."""
        self._forcing = True
        child.setVisible(not self._collapsed and child not in self._unwanted)
        if child not in self._unwanted:
            child.setAttribute(QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self._forcing = False

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        """A child that comes into a collapsed button is hidden."""
        child = event.child()
        if event.type() == QtCore.QEvent.Type.ChildPolished and isinstance(child, QtWidgets.QWidget):
            if child.isHidden() and child.testAttribute(QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide):
                self._unwanted.add(child)
            child.installEventFilter(self)
            if self._collapsed:
                self._force(child)
        elif event.type() == QtCore.QEvent.Type.ChildRemoved:
            self._unwanted.discard(child)

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Remember what a child's owner wants while the child is hidden with its siblings."""
        if not self._forcing and event.type() == QtCore.QEvent.Type.HideToParent:
            self._unwanted.add(child)
        elif not self._forcing and event.type() == QtCore.QEvent.Type.ShowToParent:
            self._unwanted.discard(child)
            if self._collapsed and isinstance(child, QtWidgets.QWidget):
                self._force(child)
        return False

    def sizeHint(self) -> QtCore.QSize:
        """The button alone while collapsed, else with its contents."""
        button = QtCore.QSize(self.fontMetrics().horizontalAdvance(self.text()) + 40, self._buttonHeight())
        if self._collapsed:
            return button + QtCore.QSize(0, self._collapsedHeight)
        layout = self.layout()
        return button.expandedTo(layout.totalSizeHint()) if layout is not None else button

    def minimumSizeHint(self) -> QtCore.QSize:
        """As small as the contents allow."""
        layout = self.layout()
        return self.sizeHint() if layout is None or self._collapsed else layout.totalMinimumSize()

    def hitButton(self, position: QtCore.QPoint) -> bool:
        """Only the title is clicked, not the contents."""
        return position.y() < self._buttonHeight()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Title with an arrow."""
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        height = self._buttonHeight()
        option.rect = QtCore.QRect(0, 0, self.width(), height)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, height // 4, height // 2, height // 2)
        primitive = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(primitive.PE_IndicatorArrowRight if self._collapsed else primitive.PE_IndicatorArrowDown, arrow)
        left = QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QtCore.QRect(height, 0, self.width() - height, height), left, self.text())

    def _getCollapsed(self) -> bool:
        return self._collapsed

    def _setCollapsed(self, collapsed: bool) -> None:
        if self.isCheckable():
            self.setChecked(not collapsed)
        elif collapsed != self._collapsed:
            self._collapse(collapsed)

    def _getCollapsedHeight(self) -> int:
        return self._collapsedHeight

    def _setCollapsedHeight(self, height: int) -> None:
        self._collapsedHeight = height
        self.updateGeometry()

    def _getFlat(self) -> bool:
        return self._flat

    def _setFlat(self, flat: bool) -> None:
        self._flat = flat
        self.update()

    def _getLineWidth(self) -> int:
        return self._lineWidth

    def _setLineWidth(self, width: int) -> None:
        self._lineWidth = width

    collapsed = Property(bool, _getCollapsed, _setCollapsed)
    collapsedHeight = Property(int, _getCollapsedHeight, _setCollapsedHeight)
    flat = Property(bool, _getFlat, _setFlat)
    contentsLineWidth = Property(int, _getLineWidth, _setLineWidth)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box for one decimal number.

    The slider keeps the number as it was given, the spin box shows it rounded. `valueChanged` comes when the number changes,
    also when new bounds change it; with `tracking` off, `valueIsChanging` while the slider is dragged and `valueChanged` at
    its end.
    """

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    _STEPS = 10_000

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = 0.0
        self._valueBefore: float | None = None
        self._tracking = True
        self._pageStep = 10.0
        self._moving = False
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, self._STEPS)
        self._spinBox = QtWidgets.QDoubleSpinBox(self)
        layout.addWidget(self._slider)
        layout.addWidget(self._spinBox)
        self._slider.valueChanged.connect(self._onSliderMoved)
        self._slider.sliderPressed.connect(self._onPressed)
        self._slider.sliderReleased.connect(self._onReleased)
        self._spinBox.valueChanged.connect(self._onSpinBox)

    def _onSliderMoved(self, tick: int) -> None:
        if not self._moving:
            low, high = self._spinBox.minimum(), self._spinBox.maximum()
            self._take(low + (high - low) * tick / self._STEPS)

    def _onSpinBox(self, value: float) -> None:
        if not self._moving:
            self._take(value)

    def _onPressed(self) -> None:
        if not self._tracking:
            self._valueBefore = self._value

    def _onReleased(self) -> None:
        before, self._valueBefore = self._valueBefore, None
        if before is not None and before != self._value:
            self.valueChanged.emit(self._value)

    def _take(self, value: float) -> None:
        low, high = self._spinBox.minimum(), self._spinBox.maximum()
        value = min(max(float(value), low), high)
        changed = value != self._value
        self._value = value
        self._moving = True
        self._spinBox.setValue(value)
        self._slider.setValue(round(self._STEPS * (value - low) / (high - low)) if high > low else 0)
        self._moving = False
        if changed and not self._tracking:
            self.valueIsChanging.emit(value)
        if changed and self._valueBefore is None:
            self.valueChanged.emit(value)

    @scripted
    @QtCore.Slot(float)
    def setValue(self, value: float) -> None:
        """Set the number; bounds and, as in CTK, the decimals of the spin box cut it."""
        self._take(round(float(value), self._spinBox.decimals()))

    @scripted
    @QtCore.Slot()
    def reset(self) -> None:
        """Set the number to zero."""
        self.setValue(0.0)

    @scripted
    @QtCore.Slot(int)
    def setDecimals(self, decimals: int) -> None:
        """How many decimals the spin box shows."""
        self._moving = True
        self._spinBox.setDecimals(decimals)
        self._moving = False
        self._take(self._value)
        self.decimalsChanged.emit(decimals)

    @scripted
    @QtCore.Slot(bool)
    def setSpinBoxVisible(self, visible: bool) -> None:
        """Whether the spin box is shown."""
        self._spinBox.setVisible(visible)

    def _setBounds(self, low: float, high: float) -> None:
        self._moving = True
        self._spinBox.setRange(low, high)
        self._moving = False
        self._take(self._value)

    def _setMinimum(self, value: float) -> None:
        self._setBounds(value, max(value, self._spinBox.maximum()))

    def _setMaximum(self, value: float) -> None:
        self._setBounds(min(value, self._spinBox.minimum()), value)

    def _getValue(self) -> float:
        return self._value if self._valueBefore is None else self._valueBefore

    def _setPageStep(self, step: float) -> None:
        self._pageStep = step

    def _setTracking(self, tracking: bool) -> None:
        self._tracking = tracking

    value = Property(float, _getValue, setValue)
    minimum = Property(float, lambda self: self._spinBox.minimum(), _setMinimum)
    maximum = Property(float, lambda self: self._spinBox.maximum(), _setMaximum)
    singleStep = Property(float, lambda self: self._spinBox.singleStep(), lambda self, v: self._spinBox.setSingleStep(v))
    pageStep = Property(float, lambda self: self._pageStep, _setPageStep)
    decimals = Property(int, lambda self: self._spinBox.decimals(), setDecimals)
    prefix = Property(str, lambda self: self._spinBox.prefix(), lambda self, v: self._spinBox.setPrefix(v))
    suffix = Property(str, lambda self: self._spinBox.suffix(), lambda self, v: self._spinBox.setSuffix(v))
    tracking = Property(bool, lambda self: self._tracking, _setTracking)
    spinBoxVisible = Property(bool, lambda self: not self._spinBox.isHidden(), setSpinBoxVisible)


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box with "Don't show again", which is never ticked here."""

    toBeDeleted = False

    @scripted
    def deleteLater(self) -> None:
        """Delete it once it is closed: `slicer.util` asks for that before it opens, and tests run outside an event loop."""
        self.toBeDeleted = True

    dontShowAgainVisible = Property(bool, lambda self: False, lambda self, v: None)
    dontShowAgain = Property(bool, lambda self: False, lambda self, v: None)
    dontShowAgainSettingsKey = Property(str, lambda self: "", lambda self, v: None)


CTK_CLASSES: tuple[type[QtWidgets.QWidget], ...] = (ctkCollapsibleButton, ctkSliderWidget, ctkMessageBox)
