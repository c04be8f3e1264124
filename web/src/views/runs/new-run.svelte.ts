class NewRunDialog {
  open = $state(false);
}

/** Whether the dialog for a new run is shown. */
export const newRun = new NewRunDialog();
