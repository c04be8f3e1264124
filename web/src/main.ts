// First: what is painted reads the tokens while the modules below load.
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { session } from './state';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
// The server answers while the page is built.
session.start();
mount(App, { target });
